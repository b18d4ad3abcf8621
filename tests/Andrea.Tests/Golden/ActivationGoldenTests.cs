using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Golden;

public class ActivationGoldenTests
{
    private const string FileName = "activation.json";

    public static MatrixTheoryData<string, string> Cases => GoldenFile.OnEveryDevice(FileName);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Activation_GoldenCase_IsPyTorchs(string deviceName, string caseName)
    {
        GoldenCase golden = GoldenFile.Load(FileName)[caseName];
        ActivationKind kind = golden.Flag("relu") ? ActivationKind.Relu : ActivationKind.Gelu;
        int length = golden.Integer("length");
        using var device = TestDevice.Open(deviceName);
        Tensor input = device.Tensor(golden.Input("input")), output = device.Poisoned(length), dInput = device.Poisoned(length);

        device.Backend.ActivationForward(kind, input, length, output);
        device.Backend.ActivationBackward(kind, input, device.Tensor(golden.Input("dOutput")), length, dInput);

        golden.AssertClose("output", Tolerance.Elementwise, output.ToArray());
        golden.AssertClose("dInput", Tolerance.Elementwise, dInput.ToArray());
    }
}
