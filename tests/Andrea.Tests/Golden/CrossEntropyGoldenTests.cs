using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Golden;

public class CrossEntropyGoldenTests
{
    private const string FileName = "cross_entropy.json";

    public static MatrixTheoryData<string, string> Cases => GoldenFile.OnEveryDevice(FileName);

    [Theory]
    [MemberData(nameof(Cases))]
    public void CrossEntropy_GoldenCase_IsPyTorchs(string deviceName, string caseName)
    {
        GoldenCase golden = GoldenFile.Load(FileName)[caseName];
        int rows = golden.Integer("rows"), vocabulary = golden.Integer("vocabulary");
        using var device = TestDevice.Open(deviceName);
        DeviceBuffer<int> targets = device.Tokens(golden.Integers("targets"));
        DeviceBuffer<double> loss = device.Buffer<double>(1);
        Tensor logits = device.Tensor(golden.Input("logits")), losses = device.Poisoned(rows), lossesAgain = device.Poisoned(rows);

        device.Backend.CrossEntropyForward(logits, targets, rows, vocabulary, losses);
        Assert.Equal(golden.Input("logits"), logits.ToArray());
        device.Backend.CrossEntropyForwardBackward(targets, 1f / rows, rows, vocabulary, logits, lossesAgain);
        device.Backend.AddSum(lossesAgain, rows, 1.0 / rows, loss);

        golden.AssertClose("losses", Tolerance.Accumulated, losses.ToArray());
        golden.AssertClose("losses", Tolerance.Accumulated, lossesAgain.ToArray());
        golden.AssertClose("dLogits", Tolerance.Accumulated, logits.ToArray());
        var sum = new double[1];
        loss.CopyTo(sum);
        Assert.Equal(golden.Number("loss"), sum[0], 2e-5 * (1 + golden.Number("loss")));
    }
}
