using Andrea.Backends;
using Andrea.Numerics;
using Andrea.Tensors;
using Andrea.Tests.Cpu;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.Linear;

/// <summary>Matrix products by cuBLASLt against the reference: the emulated library, which checks our use of it, and the real one on a GPU.</summary>
public class CublasLtParityTests
{
    public static TheoryData<string> Devices => [TestDevice.Emulator, TestDevice.Gpu];

    [Theory, MemberData(nameof(Devices))]
    public void Linear_EachDimensionFrom0To70_AgreesWithReference(string name)
    {
        using CublasDevice device = CublasDevice.Open(name);
        var random = new Philox(70);
        for (int size = 0; size <= 70; size++)
        {
            int other = 1 + random.NextInt32(40), third = 1 + random.NextInt32(40);
            AssertAgrees(device, size, other, third);
            AssertAgrees(device, other, size, third);
            AssertAgrees(device, third, other, size);
        }
        AssertAgrees(device, 0, 0, 0);
        // Only what is no product: ten times a layer without inputs, twice the way back of one without outputs.
        if (name == TestDevice.Emulator)
            Assert.Equal([.. Enumerable.Repeat("BackwardInput", 2), .. Enumerable.Repeat("Forward", 10)], device.Own.Calls.Order());
    }

    [Theory, MemberData(nameof(Devices))]
    public void Linear_ShapesOfAGpt_AgreesWithReference(string name)
    {
        using CublasDevice device = CublasDevice.Open(name);
        foreach ((int rows, int inputs, int outputs) in ((int, int, int)[])[(1, 768, 300), (4, 200, 1100), (300, 128, 65), (256, 96, 288)])
            AssertAgrees(device, rows, inputs, outputs);
        Assert.Equal(0, device.OwnMade);
    }

    [Theory, MemberData(nameof(Devices))]
    public void Linear_WithTf32_AgreesToItsPrecision(string name)
    {
        using CublasDevice device = CublasDevice.Open(name, new CudaOptions { AllowTf32 = true });
        Assert.Contains("TF32", device.Backend.Linear.Ops.Description, StringComparison.Ordinal);
        foreach ((int rows, int inputs, int outputs) in ((int, int, int)[])[(1, 64, 64), (64, 64, 128), (33, 70, 51)])
            AssertAgrees(device, rows, inputs, outputs, Tolerance.Tf32Product);
    }

    [Theory, MemberData(nameof(Devices))]
    public void Linear_Repeated_SameBits(string name)
    {
        using CublasDevice device = CublasDevice.Open(name);
        var layer = new LinearCase(257, 130, 66);
        Dictionary<string, float[]> first = LinearRun.AtOddAddresses(layer, device.Test);
        for (int run = 0; run < 3; run++)
            foreach ((string result, float[] values) in LinearRun.AtOddAddresses(layer, device.Test))
                Bits.AssertEqual(result, first[result], values);
    }

    [Theory, MemberData(nameof(Devices))]
    public void Linear_NonFiniteInput_SpoilsItsRowOnly(string name)
    {
        using CublasDevice device = CublasDevice.Open(name);
        foreach (float value in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
        {
            var layer = new LinearCase(20, 30, 40);
            (layer.Input[7 * 30 + 3], layer.DOutput[9 * 40 + 5]) = (value, value);
            Dictionary<string, float[]> results = LinearRun.AtOddAddresses(layer, device.Test);
            AssertSpoilt(results["output with both"], at => at / 40 == 7);
            AssertSpoilt(results["dInput"], at => at / 30 == 9);
            // dWeight[o, i] sums dOutput[r, o] input[r, i] over r.
            AssertSpoilt(results["dWeight"], at => at / 30 == 5 || at % 30 == 3);
            AssertSpoilt(results["dBias"], at => at == 5);
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void Linear_Recorded_GivesTheBitsOfCallsMade(string name)
    {
        using CublasDevice device = CublasDevice.Open(name);
        var layer = new LinearCase(130, 40, 50);
        IBackend backend = device.Backend;
        Tensor input = device.Test.Tensor(layer.Input), weight = device.Test.Tensor(layer.Weight), bias = device.Test.Tensor(layer.Bias);
        Tensor dOutput = device.Test.Tensor(layer.DOutput), output = device.Test.Zeros(130 * 50);
        Tensor dWeight = device.Test.Zeros(50 * 40), dBias = device.Test.Zeros(50);
        void Work()
        {
            backend.LinearForward(input, weight, bias, Tensor.None, 130, 40, 50, output);
            backend.LinearBackwardWeight(dOutput, input, 130, 40, 50, dWeight, dBias);
        }

        for (int call = 0; call < 3; call++)
            Work();
        float[][] expected = [output.ToArray(), dWeight.ToArray(), dBias.ToArray()];
        foreach (Tensor tensor in (Tensor[])[output, dWeight, dBias])
            tensor.CopyFrom(new float[tensor.Length]);
        using (IRecording recording = backend.Record(Work))
            for (int launch = 0; launch < 3; launch++)
                recording.Launch();
        Bits.AssertEqual("output", expected[0], output.ToArray());
        Bits.AssertEqual("dWeight", expected[1], dWeight.ToArray());
        Bits.AssertEqual("dBias", expected[2], dBias.ToArray());
    }

    private static void AssertAgrees(CublasDevice device, int rows, int inputSize, int outputSize, Tolerance? tolerance = null)
    {
        var layer = new LinearCase(rows, inputSize, outputSize);
        using TestDevice reference = TestDevice.Open("reference");
        Dictionary<string, float[]> aligned = layer.Run(device.Test), odd = LinearRun.AtOddAddresses(layer, device.Test);
        foreach ((string name, float[] expected) in layer.Run(reference))
        {
            Tolerance limit = name == "dBias" || tolerance is null ? Tolerance.Accumulated : tolerance.Value;
            limit.AssertClose($"{name} of {layer}", expected, aligned[name]);
            limit.AssertClose($"{name} of {layer} at odd addresses", expected, odd[name]);
        }
    }

    private static void AssertSpoilt(float[] values, Func<int, bool> isSpoilt)
    {
        for (int at = 0; at < values.Length; at++)
            Assert.True(isSpoilt(at) != float.IsFinite(values[at]), $"Element {at} is {values[at]}.");
    }
}
