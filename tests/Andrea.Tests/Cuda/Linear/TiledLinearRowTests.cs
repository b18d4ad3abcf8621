using Andrea.Tensors;
using Andrea.Tests.Cpu;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.Linear;

/// <summary>The forward product of a single row, which has a kernel of its own.</summary>
public class TiledLinearRowTests
{
    public static TheoryData<string> Devices => TiledLinearTests.Devices;

    [Theory, MemberData(nameof(Devices))]
    public void Forward_EveryInputSizeFrom0To257_AgreesWithReferenceAlignedAndNot(string name) =>
        AssertAgrees(name, Enumerable.Range(0, 258).Select(length => new LinearCase(1, length, 5)));

    [Theory, MemberData(nameof(Devices))]
    public void Forward_EveryOutputSizeFrom0To257_AgreesWithReferenceAlignedAndNot(string name) =>
        AssertAgrees(name, Enumerable.Range(0, 258).Select(length => new LinearCase(1, 12, length)));

    [Theory, MemberData(nameof(Devices))]
    public void Forward_LongRows_AgreesWithReferenceAlignedAndNot(string name) =>
        AssertAgrees(name, [new(1, 511, 9), new(1, 512, 9), new(1, 513, 9), new(1, 2047, 7), new(1, 2048, 8), new(1, 3100, 17)]);

    [Theory, MemberData(nameof(Devices))]
    public void Forward_AnyTensorUnaligned_SameBits(string name)
    {
        var layer = new LinearCase(1, 600, 20);
        KernelRuns.AssertSameBitsWithAnyTensorUnaligned(
            name, device => [.. layer.RunForward(new BackendLinear(device.Backend), new GuardedTensors(device)).Values]);
    }

    [Theory, MemberData(nameof(Devices))]
    public void Forward_NonFiniteWeight_SpoilsItsResultOnly(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        foreach (float value in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
        {
            foreach (int place in (int[])[0, 130, 203])
            {
                var layer = new LinearCase(1, 204, 20);
                float[] clean = Run(device, layer);
                layer.Weight[7 * layer.InputSize + place] = value;
                float[] actual = Run(device, layer);
                Assert.False(float.IsFinite(actual[7]));
                actual[7] = clean[7];
                Bits.AssertEqual("the others", clean, actual);
            }
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void Forward_NonFiniteInput_SpoilsEveryResult(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        foreach (int place in (int[])[0, 130, 202])
        {
            var layer = new LinearCase(1, 203, 20);
            layer.Input[place] = float.NaN;
            Assert.All(Run(device, layer), value => Assert.True(float.IsNaN(value)));
        }
    }

    private static float[] Run(TestDevice device, LinearCase layer)
    {
        Tensor output = device.Poisoned(layer.OutputSize);
        device.Backend.LinearForward(
            device.Tensor(layer.Input), device.Tensor(layer.Weight), device.Tensor(layer.Bias), Tensor.None, 1, layer.InputSize, layer.OutputSize,
            output);
        return output.ToArray();
    }

    private static void AssertAgrees(string name, IEnumerable<LinearCase> layers)
    {
        using var device = new GuardedDevice(name);
        using TestDevice reference = TestDevice.Open("reference");
        var linear = new BackendLinear(device.Backend);
        foreach (LinearCase layer in layers)
        {
            Dictionary<string, float[]> expected = layer.RunForward(new BackendLinear(reference.Backend), new DeviceTensors(reference));
            Dictionary<string, float[]> aligned = layer.RunForward(linear, new DeviceTensors(device.Device));
            Dictionary<string, float[]> odd = layer.RunForward(linear, new GuardedTensors(device));
            device.AssertGuards();
            foreach ((string result, float[] values) in expected)
            {
                Tolerance.Accumulated.AssertClose($"{result} of {layer}", values, aligned[result]);
                Bits.AssertEqual($"{result} of {layer} at odd addresses", aligned[result], odd[result]);
            }
            Bits.AssertEqual($"output over the residual of {layer}", aligned["output with both"], aligned["output over the residual"]);
        }
    }
}
