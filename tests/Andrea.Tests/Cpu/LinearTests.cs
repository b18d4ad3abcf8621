using Andrea.Cpu.MatMul;
using Andrea.Numerics;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cpu;

/// <summary>The linear layers of every backend: hand-worked numbers, and the fast one against the reference.</summary>
public class LinearTests
{
    public static TheoryData<string> Names => [.. TestDevice.Names.Select(row => row.Data), TestDevice.Emulator, TestDevice.Gpu];

    [Theory, MemberData(nameof(Names))]
    public void LinearForward_HandWorked_IsExact(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        Tensor input = device.Tensor([1, 2, 3, 4, 5, 6], 2, 3);
        Tensor weight = device.Tensor([1, 0, -1, 2, 1, 0], 2, 3);
        Tensor output = device.Poisoned(2, 2);
        device.Backend.LinearForward(input, weight, Tensor.None, Tensor.None, 2, 3, 2, output);
        Assert.Equal([-2, 4, -2, 13], output.ToArray());

        device.Backend.LinearForward(input, weight, device.Tensor([10, 20]), output, 2, 3, 2, output);
        Assert.Equal([6, 28, 6, 46], output.ToArray());
    }

    [Theory, MemberData(nameof(Names))]
    public void LinearBackwardInput_HandWorked_IsExact(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        Tensor dInput = device.Poisoned(2, 3);
        device.Backend.LinearBackwardInput(device.Tensor([1, 2, 3, -1], 2, 2), device.Tensor([1, 0, -1, 2, 1, 0], 2, 3), 2, 3, 2, dInput);
        Assert.Equal([5, 2, -1, 1, -1, -3], dInput.ToArray());
    }

    [Theory, MemberData(nameof(Names))]
    public void LinearBackwardWeight_HandWorked_IsAdded(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        Tensor dOutput = device.Tensor([1, 2, 3, -1], 2, 2);
        Tensor input = device.Tensor([1, 2, 3, 4, 5, 6], 2, 3);
        Tensor dWeight = device.Tensor([100, 0, 0, 0, 0, 0], 2, 3);
        Tensor dBias = device.Tensor([0, 7]);
        device.Backend.LinearBackwardWeight(dOutput, input, 2, 3, 2, dWeight, dBias);
        Assert.Equal([113, 17, 21, -2, -1, 0], dWeight.ToArray());
        Assert.Equal([4, 8], dBias.ToArray());

        device.Backend.LinearBackwardWeight(dOutput, input, 2, 3, 2, dWeight, Tensor.None);
        Assert.Equal([126, 34, 42, -4, -2, 0], dWeight.ToArray());
        Assert.Equal([4, 8], dBias.ToArray());
    }

    [Fact]
    public void Linear_EachDimensionFrom1To40_AgreesWithReference()
    {
        var random = new Philox(40);
        for (int size = 1; size <= 40; size++)
        {
            int other = 1 + random.NextInt32(40), third = 1 + random.NextInt32(40);
            AssertAgrees(size, other, third);
            AssertAgrees(other, size, third);
            AssertAgrees(third, other, size);
        }
    }

    [Fact]
    public void Linear_AroundTilesAndBlocks_AgreesWithReference()
    {
        foreach (int offset in (int[])[-1, 0, 1])
        {
            AssertAgrees(12 + offset, 32 + offset, 64 + offset);
            AssertAgrees(48 + offset, 24 + offset, 96 + offset);
            AssertAgrees(Blocking.BlockDepth + offset, 13, 40);
            AssertAgrees(5, Blocking.BlockDepth + offset, 33);
            AssertAgrees(7, 31, 2 * Blocking.BlockDepth + offset);
        }
    }

    [Theory]
    [InlineData(1, 768, 300)]
    [InlineData(4, 200, 1100)]
    [InlineData(300, 128, 65)]
    [InlineData(600, 70, 150)]
    public void Linear_ShapesOfAGpt_AgreesWithReference(int rows, int inputSize, int outputSize) => AssertAgrees(rows, inputSize, outputSize);

    private static void AssertAgrees(int rows, int inputSize, int outputSize)
    {
        var layer = new LinearCase(rows, inputSize, outputSize);
        using TestDevice reference = TestDevice.Open("reference"), cpu = TestDevice.Open("cpu-2");
        Dictionary<string, float[]> actual = layer.Run(cpu);
        foreach ((string name, float[] expected) in layer.Run(reference))
            Tolerance.Accumulated.AssertClose($"{name} of {layer}", expected, actual[name]);
    }
}
