using Andrea.PtxEmulator.Execution;
using Andrea.Tests.Cpu;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.Linear;

/// <summary>Blocks, warps and lanes in another order, with an eye on races: the same bits.</summary>
public class TiledLinearShuffledTests
{
    public static TheoryData<string, bool> PlansAndAlignment =>
        new MatrixTheoryData<string, bool>(["small", "small, rows split", "large", "large, rows split"], [true, false]);

    [Theory, MemberData(nameof(PlansAndAlignment))]
    public void Linear_AnyOrder_SameBitsWithoutRaces(string plan, bool aligned)
    {
        var layer = new LinearCase(150, 68, 140);
        Dictionary<string, float[]> expected = Run(layer, plan, new LaunchOptions(), aligned);
        foreach (ulong seed in (ulong[])[20_240_607, 3])
            foreach ((string result, float[] values) in Run(layer, plan, new LaunchOptions { Seed = seed, DetectRaces = true }, aligned))
                Bits.AssertEqual($"{result} in order {seed}", expected[result], values);
    }

    [Fact]
    public void LinearForward_OneRowInAnyOrder_SameBitsWithoutRaces()
    {
        var layer = new LinearCase(1, 300, 50);
        using TestDevice natural = TestDevice.OpenEmulator(), shuffled = TestDevice.OpenEmulator(new LaunchOptions { Seed = 5, DetectRaces = true });
        Bits.AssertEqual("output", layer.Run(natural)["output with both"], layer.Run(shuffled)["output with both"]);
    }

    private static Dictionary<string, float[]> Run(LinearCase layer, string plan, LaunchOptions options, bool aligned)
    {
        using var device = new GuardedDevice(TestDevice.OpenEmulator(options));
        using PlannedLinear linear = TiledLinearTests.Open(device.Device, plan);
        return aligned ? layer.Run(linear, new DeviceTensors(device.Device)) : layer.Run(device, linear);
    }
}
