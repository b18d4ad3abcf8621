using Andrea.Clipping;
using Andrea.Optim;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Golden;

public class AdamWGoldenTests
{
    private const string FileName = "adamw.json";

    private static readonly string[] s_tensors = ["weight.0", "weight.1", "bias.0", "bias.1"];

    public static MatrixTheoryData<string, string> Cases => GoldenFile.OnEveryDevice(FileName);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Step_TwentyTimesWithTwoGroups_IsPyTorchs(string deviceName, string caseName)
    {
        GoldenCase golden = GoldenFile.Load(FileName)[caseName];
        using var device = TestDevice.Open(deviceName);
        ParameterLayout layout = LayoutOf(golden);
        using var parameters = new ParameterArena(device.Device, layout);
        using var gradients = new ParameterArena(device.Device, layout);
        foreach (string name in s_tensors)
            parameters[name].CopyFrom(golden.Input(name));
        using GradClipper? clipper = golden.HasNumber("maxNorm")
            ? new GradClipper(device.Device, gradients, new GradClipperOptions { MaxNorm = golden.Number("maxNorm") })
            : null;
        using var optimizer = new AdamW(device.Device, parameters, gradients, OptionsOf(golden), clipper);

        double[] learningRates = golden.Series("learningRates");
        for (int step = 0; step < learningRates.Length; step++)
        {
            foreach (string name in s_tensors)
                gradients[name].CopyFrom(golden.Input($"{name}.grad.{step}"));
            optimizer.Step(learningRates[step]);
            if (clipper is not null)
                Assert.Equal(golden.Series("norms")[step], clipper.Read().NormBefore, golden.Series("norms")[step] * 1e-14);
            foreach (string name in s_tensors.Where(name => golden.HasOutput($"{name}@{step + 1}")))
                golden.AssertClose($"{name}@{step + 1}", Tolerance.Optimized, parameters[name].ToArray());
        }

        Assert.Equal(20, optimizer.ReadProgress().Step);
        if (clipper is not null)
            Assert.InRange(clipper.Read().ClippedCalls, 1, 19);
        foreach (string name in s_tensors)
        {
            golden.AssertClose($"{name}.m", Tolerance.Moments, optimizer.FirstMoments[name].ToArray());
            golden.AssertClose($"{name}.v", Tolerance.Moments, optimizer.SecondMoments[name].ToArray());
            // PyTorch in float32 strays from double about as far as Andrea does.
            golden.AssertClose($"{name}.torch", Tolerance.Optimized with { Absolute = 2e-6 }, parameters[name].ToArray());
        }
    }

    /// <summary>The weights have two dimensions and decay, the biases have one and do not: by default, without a group that says so.</summary>
    private static ParameterLayout LayoutOf(GoldenCase golden)
    {
        var layout = new ParameterLayout();
        foreach (string name in s_tensors)
            layout.Add(name, new TensorShape(golden.InputShape(name)));
        return layout;
    }

    private static AdamWOptions OptionsOf(GoldenCase golden) => new()
    {
        Beta1 = golden.Number("beta1"),
        Beta2 = golden.Number("beta2"),
        Epsilon = golden.Number("epsilon"),
        WeightDecay = golden.Number("weightDecay"),
        Groups = [new ParameterGroup("bias.*", LearningRateScale: golden.Number("plainRateScale"))],
    };
}
