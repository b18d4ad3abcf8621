using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Golden;

public class NormGoldenTests
{
    private const string FileName = "norm.json";

    public static MatrixTheoryData<string, string> Cases => GoldenFile.OnEveryDevice(FileName);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Norm_GoldenCase_IsPyTorchs(string deviceName, string caseName)
    {
        GoldenCase golden = GoldenFile.Load(FileName)[caseName];
        NormKind kind = golden.Flag("rmsNorm") ? NormKind.RmsNorm : NormKind.LayerNorm;
        int rows = golden.Integer("rows"), channels = golden.Integer("channels");
        bool hasBias = golden.Flag("bias");
        using var device = TestDevice.Open(deviceName);
        Tensor input = device.Tensor(golden.Input("input")), weight = device.Tensor(golden.Input("weight"));
        Tensor output = device.Poisoned(rows, channels), mean = device.Poisoned(rows), inverseScale = device.Poisoned(rows);

        device.Backend.NormForward(
            kind, input, weight, hasBias ? device.Tensor(golden.Input("bias")) : Tensor.None, (float)golden.Number("epsilon"), rows, channels,
            output, mean, inverseScale);
        Tolerance tolerance = LimitOf(golden);
        golden.AssertClose("output", tolerance, output.ToArray());
        golden.AssertClose("inverseScale", tolerance, inverseScale.ToArray());
        if (kind == NormKind.LayerNorm)
            golden.AssertClose("mean", tolerance, mean.ToArray());

        float[] inputStart = TestDevice.Normal(1, input.Length);
        float[] weightStart = TestDevice.Normal(2, channels), biasStart = TestDevice.Normal(3, channels);
        Tensor dInput = device.Tensor(inputStart), dWeight = device.Tensor(weightStart);
        Tensor dBias = hasBias ? device.Tensor(biasStart) : Tensor.None;
        device.Backend.NormBackward(
            kind, device.Tensor(golden.Input("dOutput")), input, weight, mean, inverseScale, rows, channels, dInput, dWeight, dBias);
        golden.AssertClose("dInput", tolerance, dInput.ToArray(), inputStart);
        golden.AssertClose("dWeight", tolerance, dWeight.ToArray(), weightStart);
        if (hasBias)
            golden.AssertClose("dBias", tolerance, dBias.ToArray(), biasStart);
    }

    /// <summary>Far from zero, what is left of float32's 24 bits after subtracting a mean of 100 from values a third apart is 15 bits.</summary>
    private static Tolerance LimitOf(GoldenCase golden) =>
        golden.Name == "LayerNorm far from zero" ? Tolerance.Chained : Tolerance.Accumulated;
}
