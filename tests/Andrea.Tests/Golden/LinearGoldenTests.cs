using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Golden;

public class LinearGoldenTests
{
    private const string FileName = "linear.json";

    public static MatrixTheoryData<string, string> Cases => GoldenFile.OnEveryDevice(FileName);

    [Theory]
    [MemberData(nameof(Cases))]
    public void LinearForward_GoldenCase_IsPyTorchs(string deviceName, string caseName)
    {
        GoldenCase golden = GoldenFile.Load(FileName)[caseName];
        (int rows, int inputSize, int outputSize) = SizesOf(golden);
        using var device = TestDevice.Open(deviceName);
        Tensor residual = golden.Flag("residual") ? device.Tensor(golden.Input("residual")) : Tensor.None;
        Tensor output = device.Poisoned(rows, outputSize);

        device.Backend.LinearForward(
            device.Tensor(golden.Input("input")), device.Tensor(golden.Input("weight")),
            golden.Flag("bias") ? device.Tensor(golden.Input("bias")) : Tensor.None, residual, rows, inputSize, outputSize, output);

        golden.AssertClose("output", Tolerance.Accumulated, output.ToArray());
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void LinearBackward_GoldenCase_IsPyTorchs(string deviceName, string caseName)
    {
        GoldenCase golden = GoldenFile.Load(FileName)[caseName];
        (int rows, int inputSize, int outputSize) = SizesOf(golden);
        bool hasBias = golden.Flag("bias");
        using var device = TestDevice.Open(deviceName);
        Tensor dOutput = device.Tensor(golden.Input("dOutput")), dInput = device.Poisoned(rows, inputSize);
        float[] weightStart = TestDevice.Normal(1, (long)outputSize * inputSize), biasStart = TestDevice.Normal(2, outputSize);
        Tensor dWeight = device.Tensor(weightStart), dBias = hasBias ? device.Tensor(biasStart) : Tensor.None;

        device.Backend.LinearBackwardInput(dOutput, device.Tensor(golden.Input("weight")), rows, inputSize, outputSize, dInput);
        device.Backend.LinearBackwardWeight(dOutput, device.Tensor(golden.Input("input")), rows, inputSize, outputSize, dWeight, dBias);

        golden.AssertClose("dInput", Tolerance.Accumulated, dInput.ToArray());
        golden.AssertClose("dWeight", Tolerance.Accumulated, dWeight.ToArray(), weightStart);
        if (hasBias)
            golden.AssertClose("dBias", Tolerance.Accumulated, dBias.ToArray(), biasStart);
    }

    private static (int Rows, int InputSize, int OutputSize) SizesOf(GoldenCase golden) =>
        (golden.Integer("rows"), golden.Integer("inputSize"), golden.Integer("outputSize"));
}
