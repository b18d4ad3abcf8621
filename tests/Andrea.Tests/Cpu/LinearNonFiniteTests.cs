using Andrea.Tests.Support;

namespace Andrea.Tests.Cpu;

/// <summary>A NaN or an infinity reaches the results that it enters into, and no other: padding and neighbours in a tile stay apart.</summary>
public class LinearNonFiniteTests
{
    public static TheoryData<float, int> Values =>
        new MatrixTheoryData<float, int>([float.NaN, float.PositiveInfinity, float.NegativeInfinity], [1, 13, 37]);

    [Theory, MemberData(nameof(Values))]
    public void LinearForward_NonFiniteInput_SpoilsItsRowOnly(float value, int row) =>
        AssertSpoils("output", layer => layer.Input[row * layer.InputSize + 3] = value, (layer, at) => at / layer.OutputSize == row);

    [Theory, MemberData(nameof(Values))]
    public void LinearForward_NonFiniteWeight_SpoilsItsColumnOnly(float value, int column) =>
        AssertSpoils("output", layer => layer.Weight[column * layer.InputSize + 3] = value, (layer, at) => at % layer.OutputSize == column);

    [Theory, MemberData(nameof(Values))]
    public void LinearBackwardInput_NonFiniteGradient_SpoilsItsRowOnly(float value, int row) =>
        AssertSpoils("dInput", layer => layer.DOutput[row * layer.OutputSize + 3] = value, (layer, at) => at / layer.InputSize == row);

    [Theory, MemberData(nameof(Values))]
    public void LinearBackwardInput_NonFiniteWeight_SpoilsItsColumnOnly(float value, int column) =>
        AssertSpoils("dInput", layer => layer.Weight[3 * layer.InputSize + column] = value, (layer, at) => at % layer.InputSize == column);

    [Theory, MemberData(nameof(Values))]
    public void LinearBackwardWeight_NonFiniteGradient_SpoilsItsRowOnly(float value, int row) =>
        AssertSpoils("dWeight", layer => layer.DOutput[3 * layer.OutputSize + row] = value, (layer, at) => at / layer.InputSize == row);

    [Theory, MemberData(nameof(Values))]
    public void LinearBackwardWeight_NonFiniteGradient_SpoilsItsBiasOnly(float value, int column) =>
        AssertSpoils("dBias", layer => layer.DOutput[3 * layer.OutputSize + column] = value, (_, at) => at == column);

    [Theory, MemberData(nameof(Values))]
    public void LinearBackwardWeight_NonFiniteInput_SpoilsItsColumnOnly(float value, int column) =>
        AssertSpoils("dWeight", layer => layer.Input[3 * layer.InputSize + column] = value, (layer, at) => at % layer.InputSize == column);

    private static void AssertSpoils(string result, Action<LinearCase> spoil, Func<LinearCase, int, bool> isSpoilt)
    {
        using TestDevice device = TestDevice.Open("cpu-2");
        // No size is a multiple of a tile's.
        var layer = new LinearCase(41, 43, 46);
        float[] clean = layer.Run(device)[result];
        spoil(layer);
        float[] actual = layer.Run(device)[result];
        for (int i = 0; i < clean.Length; i++)
        {
            if (isSpoilt(layer, i))
                Assert.False(float.IsFinite(actual[i]), $"{result}[{i}] is {actual[i]} although it contains a value that is not finite.");
            else
                Assert.True(clean[i].Equals(actual[i]), $"{result}[{i}] is {actual[i]:g9}, but {clean[i]:g9} with finite values elsewhere.");
        }
    }
}
