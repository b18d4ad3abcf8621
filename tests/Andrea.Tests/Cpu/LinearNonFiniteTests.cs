using Andrea.Tests.Support;

namespace Andrea.Tests.Cpu;

/// <summary>A NaN or an infinity reaches the results that it enters into, and no other: padding and neighbours in a tile stay apart.</summary>
public class LinearNonFiniteTests
{
    public static TheoryData<float, int, string> Spoilings =>
        new MatrixTheoryData<float, int, string>([float.NaN, float.PositiveInfinity, float.NegativeInfinity], [1, 13, 37], LinearSpoiling.Names);

    [Theory, MemberData(nameof(Spoilings))]
    public void Linear_NonFiniteValue_SpoilsItsRowOrColumnOnly(float value, int position, string spoiling)
    {
        using TestDevice device = TestDevice.Open("cpu-2");
        // No size is a multiple of a tile's.
        LinearSpoiling.AssertSpoils(spoiling, new LinearCase(41, 43, 46), value, position, layer => layer.Run(device));
    }
}
