using Andrea.Tensors;

namespace Andrea.Tests.Cpu;

public class EmbeddingTests
{
    [Fact]
    public void ForwardAndBackward_SmallTables_GiveTheNumbersOfTheFormula()
    {
        using var device = new GuardedDevice("reference");
        var numbers = new EmbeddingCase(2, 2, 1, 3) { Tokens = [2, 0, 2, 2], TokenTable = [10, 20, 30], PositionTable = [1, 2], DOutput = [1, 2, 4, 8] };
        Assert.Equal([31f, 12, 31, 32], numbers.Forward(device));
        float[][] gradients = numbers.Backward(device);
        Assert.Equal([12f, 20, 43], gradients[0]);
        Assert.Equal([6f, 12], gradients[1]);
    }

    [Fact]
    public void ForwardAndBackward_EveryLength_AgreeWithReference()
    {
        using var cpu = new GuardedDevice("cpu-3");
        for (int channels = 1; channels <= 257; channels++)
            new EmbeddingCase(2, 5, channels, 7).AssertAgreesWithReference(cpu);
    }

    [Fact]
    public void ForwardAndBackward_EveryTokenCount_AgreeWithReference()
    {
        using var cpu = new GuardedDevice("cpu-2");
        for (int tokenCount = 0; tokenCount <= 70; tokenCount++)
            new EmbeddingCase(2, tokenCount, 19, 11).AssertAgreesWithReference(cpu);
    }

    [Fact]
    public void ForwardAndBackward_TypicalSize_AgreeWithReference()
    {
        using var cpu = new GuardedDevice("cpu-2");
        new EmbeddingCase(4, 64, 384, 2305).AssertAgreesWithReference(cpu);
        // Every position the same token: the longest chain of sums.
        var same = new EmbeddingCase(4, 256, 48, 3);
        (same with { Tokens = new int[4 * 256] }).AssertAgreesWithReference(cpu);
    }

    [Fact]
    public void Forward_LaterPosition_TakesItsRow()
    {
        using var reference = new GuardedDevice("reference");
        using var cpu = new GuardedDevice("cpu-2");
        var later = new EmbeddingCase(1, 1, 20, 5, FirstPosition: 9);
        Bits.AssertEqual("output", later.Forward(reference), later.Forward(cpu));
        Assert.Equal(later.TokenTable[later.Tokens[0] * 20] + later.PositionTable[9 * 20], later.Forward(cpu)[0]);
    }

    [Fact]
    public void ForwardAndBackward_AnyThreadCount_SameBits()
    {
        var numbers = new EmbeddingCase(3, 100, 257, 13);
        using var one = new GuardedDevice("cpu-1");
        float[] forward = numbers.Forward(one);
        float[][] backward = numbers.Backward(one);
        foreach (string name in (string[])["cpu-1", "cpu-2", "cpu-3", "cpu-7"])
        {
            using var device = new GuardedDevice(name);
            for (int repeat = 0; repeat < 3; repeat++)
            {
                Bits.AssertEqual(name, forward, numbers.Forward(device));
                Bits.AssertEqual(name, backward, numbers.Backward(device));
            }
        }
    }

    [Fact]
    public void ReferenceBackward_BothTables_IsTheSlope()
    {
        using var device = new GuardedDevice("reference");
        var numbers = new EmbeddingCase(2, 3, 4, 5);
        var zeros = numbers with { TokenTable = new float[20], PositionTable = new float[12] };
        float[][] gradients = zeros.Backward(device);
        double Loss(EmbeddingCase moved) => FiniteDifference.Dot(numbers.DOutput, moved.Forward(device));
        FiniteDifference.AssertGradient("dTokenTable", numbers.TokenTable, table => Loss(numbers with { TokenTable = table }), gradients[0]);
        FiniteDifference.AssertGradient(
            "dPositionTable", numbers.PositionTable, table => Loss(numbers with { PositionTable = table }), gradients[1]);
    }

    [Fact]
    public void Backward_NaN_ReachesItsTokenAndPositionOnly()
    {
        var numbers = new EmbeddingCase(1, 3, 40, 5) { Tokens = [1, 3, 1] };
        foreach (int channel in (int[])[0, 20, 39])
            foreach (string name in (string[])["reference", "cpu-2"])
            {
                using var device = new GuardedDevice(name);
                var dOutput = (float[])numbers.DOutput.Clone();
                dOutput[40 + channel] = float.NaN;
                float[][] gradients = (numbers with { DOutput = dOutput }).Backward(device);
                Assert.Equal([3 * 40 + channel], NaNs(gradients[0]));
                Assert.Equal([40 + channel], NaNs(gradients[1]));
            }
    }

    [Fact]
    public void ForwardAndBackward_AfterWarmUp_AllocateNothing()
    {
        using var device = new GuardedDevice("cpu-3");
        const int tokenCount = 150, channels = 130;
        DeviceBuffer<int> tokens = device.Tokens(new int[tokenCount]);
        Tensor table = device.InOut(new float[5 * channels]), positions = device.InOut(new float[tokenCount * channels]);
        Tensor output = device.Output(tokenCount * channels);
        Allocations.AssertNone(() =>
        {
            device.Backend.EmbeddingForward(tokens, table, positions, 0, 1, tokenCount, channels, output);
            device.Backend.EmbeddingBackward(output, tokens, 1, tokenCount, channels, table, positions);
        });
    }

    private static int[] NaNs(float[] values) => [.. Enumerable.Range(0, values.Length).Where(i => float.IsNaN(values[i]))];
}
