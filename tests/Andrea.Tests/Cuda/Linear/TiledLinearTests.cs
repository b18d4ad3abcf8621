using Andrea.Cuda.Linear;
using Andrea.Tests.Cpu;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.Linear;

/// <summary>The tiled products against the reference, in every kernel, aligned and not.</summary>
public class TiledLinearTests
{
    public static TheoryData<string> Devices => [TestDevice.Emulator, TestDevice.Gpu];

    /// <summary>Each device with each way to run a product in tiles.</summary>
    public static TheoryData<string, string> DevicesAndPlans => new MatrixTheoryData<string, string>([TestDevice.Emulator, TestDevice.Gpu], [.. Plans.Keys]);

    private static readonly Dictionary<string, (TileSize Tile, int Splits)> Plans = new()
    {
        ["small"] = (TileSize.Small, 1),
        ["small, rows split"] = (TileSize.Small, 3),
        ["large"] = (TileSize.Large, 1),
        ["large, rows split"] = (TileSize.Large, 3),
    };

    [Theory, MemberData(nameof(Devices))]
    public void Linear_EveryRowsFrom0To257_AgreesWithReference(string name) => AssertEveryLength(name, length => new LinearCase(length, 9, 5));

    [Theory, MemberData(nameof(Devices))]
    public void Linear_EveryInputSizeFrom0To257_AgreesWithReference(string name) => AssertEveryLength(name, length => new LinearCase(6, length, 7));

    [Theory, MemberData(nameof(Devices))]
    public void Linear_EveryOutputSizeFrom0To257_AgreesWithReference(string name) => AssertEveryLength(name, length => new LinearCase(3, 10, length));

    [Theory, MemberData(nameof(DevicesAndPlans))]
    public void Linear_AroundTiles_AgreesWithReferenceAlignedAndNot(string name, string plan)
    {
        using var device = new GuardedDevice(name);
        using PlannedLinear linear = Open(device.Device, plan);
        foreach (LinearCase layer in CasesAroundTiles())
        {
            Dictionary<string, float[]> aligned = layer.Run(linear, new DeviceTensors(device.Device)), odd = layer.Run(device, linear);
            AssertAgrees(layer, aligned);
            foreach ((string result, float[] values) in aligned)
                Bits.AssertEqual($"{result} of {layer} at odd addresses", values, odd[result]);
            Bits.AssertEqual($"output over the residual of {layer}", aligned["output with both"], aligned["output over the residual"]);
        }
    }

    [Theory, MemberData(nameof(DevicesAndPlans))]
    public void Linear_AnyTensorUnaligned_SameBits(string name, string plan)
    {
        var layer = new LinearCase(20, 24, 28);
        KernelRuns.AssertSameBitsWithAnyTensorUnaligned(name, device =>
        {
            using PlannedLinear linear = Open(device.Device, plan);
            return [.. layer.Run(device, linear).Values];
        });
    }

    [Theory, MemberData(nameof(Devices))]
    public void Linear_SmallAndLargeTiles_SameBits(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        using PlannedLinear small = Open(device, "small, rows split"), large = Open(device, "large, rows split");
        foreach (LinearCase layer in CasesAroundTiles())
        {
            Dictionary<string, float[]> expected = layer.Run(small, new DeviceTensors(device));
            foreach ((string result, float[] values) in layer.Run(large, new DeviceTensors(device)))
                Bits.AssertEqual($"{result} of {layer}", expected[result], values);
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void Linear_SizesThatChooseLargeTiles_AgreesWithReference(string name)
    {
        // With a ninth row of tiles, which makes a group of its own, and rows of 4 n + 2 floats in one product.
        var layer = new LinearCase(1100, 6, 1004);
        Assert.Equal(TileSize.Large, TilePlan.Choose(LinearOperation.Forward, 1100, 1004, 6).Tile);
        using TestDevice device = TestDevice.Open(name);
        AssertAgrees(layer, layer.Run(device));
    }

    [Theory, MemberData(nameof(Devices))]
    public void Linear_SizesThatSplitRows_AgreesWithReference(string name)
    {
        var layer = new LinearCase(3000, 33, 40);
        Assert.InRange(TilePlan.Choose(LinearOperation.BackwardWeight, 40, 33, 3000).Splits, 3, TilePlan.MaxSplits);
        using var device = new GuardedDevice(name);
        AssertAgrees(layer, layer.Run(device));
    }

    [Theory, MemberData(nameof(DevicesAndPlans))]
    public void Linear_NonFiniteValue_SpoilsItsRowOrColumnOnly(string name, string plan)
    {
        using TestDevice device = TestDevice.Open(name);
        using PlannedLinear linear = Open(device, plan);
        foreach (string spoiling in LinearSpoiling.Names)
            foreach ((float value, int position) in ((float, int)[])[(float.NaN, 37), (float.PositiveInfinity, 13), (float.NegativeInfinity, 40)])
                LinearSpoiling.AssertSpoils(spoiling, new LinearCase(41, 43, 46), value, position, layer => layer.Run(linear, new DeviceTensors(device)));
    }

    [Theory, MemberData(nameof(DevicesAndPlans))]
    public void Linear_HugeAndDenormalValues_AreExactWhereTheSumsAre(string name, string plan)
    {
        using TestDevice device = TestDevice.Open(name), reference = TestDevice.Open("reference");
        using PlannedLinear linear = Open(device, plan);
        // Small whole numbers times a power of two: every partial sum is exact, down to the last bit of a denormal.
        foreach (int exponent in (int[])[-149, -140, -126, 115])
        {
            var layer = new LinearCase(27, 19, 22);
            float scale = (float)Math.ScaleB(1, exponent);
            Quantize(layer.Input, scale);
            Quantize(layer.DOutput, scale);
            Quantize(layer.Bias, scale);
            Quantize(layer.Residual, scale);
            Quantize(layer.Weight, 1);
            foreach (string result in (string[])["output with both", "dInput", "dBias"])
                Bits.AssertEqual($"{result} at 2^{exponent}", layer.Run(reference)[result], layer.Run(linear, new DeviceTensors(device))[result]);
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void Linear_Repeated_SameBits(string name)
    {
        var layer = new LinearCase(700, 70, 130);
        using TestDevice device = TestDevice.Open(name);
        Dictionary<string, float[]> first = layer.Run(device);
        foreach ((string result, float[] values) in layer.Run(device))
            Bits.AssertEqual(result, first[result], values);
    }

    [Fact]
    public void Comparison_OneElementOff_Fails()
    {
        // Negative control.
        var layer = new LinearCase(9, 8, 7);
        using TestDevice device = TestDevice.Open("reference");
        Dictionary<string, float[]> results = layer.Run(device);
        results["dWeight"][11] += 1e-3f;
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => AssertAgrees(layer, results));
    }

    internal static PlannedLinear Open(TestDevice device, string plan) => new(device, Plans[plan].Tile, Plans[plan].Splits);

    /// <summary>Sizes at and beside the edges of tiles and of steps of k, in multiples of four, where rows are aligned, and not.</summary>
    internal static IEnumerable<LinearCase> CasesAroundTiles()
    {
        foreach (int edge in (int[])[64, 128])
            foreach (int offset in (int[])[-4, -1, 0, 1, 4])
            {
                yield return new LinearCase(edge + offset, 8 + offset, 12);
                yield return new LinearCase(16 + offset, edge + offset, 20);
                yield return new LinearCase(11, 24 + offset, edge + offset);
            }
        yield return new LinearCase(130, 132, 136);
        yield return new LinearCase(257, 3, 129);
        yield return new LinearCase(1, 1, 1);
    }

    internal static void AssertAgrees(LinearCase layer, Dictionary<string, float[]> actual)
    {
        using TestDevice reference = TestDevice.Open("reference");
        foreach ((string result, float[] expected) in layer.Run(reference))
            Tolerance.Accumulated.AssertClose($"{result} of {layer}", expected, actual[result]);
    }

    private static void AssertEveryLength(string name, Func<int, LinearCase> layerOf)
    {
        using var device = new GuardedDevice(name);
        for (int length = 0; length <= 257; length++)
        {
            LinearCase layer = layerOf(length);
            AssertAgrees(layer, layer.Run(device));
        }
    }

    private static void Quantize(float[] values, float scale)
    {
        for (int i = 0; i < values.Length; i++)
            values[i] = MathF.Round(3 * values[i]) * scale;
    }
}
