using Andrea.Clipping;
using Andrea.Gpt;
using Andrea.Optim;
using Andrea.Tests.Support;

namespace Andrea.Tests.Golden;

/// <summary>Tiny GPTs of every option against PyTorch: gradients of the first step, then ten steps of training with clip and AdamW.</summary>
public class GptGoldenTests
{
    private const string FileName = "gpt.json";

    public static MatrixTheoryData<string, string> Cases => GoldenFile.OnEachBackend(FileName);

    [Fact]
    public void Cases_AllTogether_CoverEveryCombinationOfOptions()
    {
        var options = GoldenFile.Load(FileName).Cases.Select(
            golden => (golden.Flag("tied"), golden.Flag("biases"), golden.Flag("rmsNorm"), golden.Flag("relu")));
        Assert.Equal(16, options.Distinct().Count());
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void ForwardBackward_FirstBatch_HasPyTorchsLossAndGradients(string deviceName, string caseName)
    {
        GoldenCase golden = GoldenFile.Load(FileName)[caseName];
        using var device = TestDevice.Open(deviceName);
        using GptModel model = CreateModel(device, golden);
        using var pass = new GptPass(model, golden.Integer("batch"), golden.Integer("tokens"));

        model.ZeroGradients();
        (int[] inputs, int[] targets) = Batch(golden, step: 0);
        pass.ForwardBackward(inputs, targets);

        Assert.Equal(golden.Series("losses")[0], pass.ReadLoss(), Tolerance.TinyModelLoss);
        AssertGradients(golden, model);
    }

    /// <summary>Two halves of a batch add up to the gradients of the whole.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void ForwardBackward_FirstBatchInTwoMicroBatches_HasPyTorchsLossAndGradients(string deviceName, string caseName)
    {
        GoldenCase golden = GoldenFile.Load(FileName)[caseName];
        using var device = TestDevice.Open(deviceName);
        using GptModel model = CreateModel(device, golden);
        using var pass = new GptPass(model, golden.Integer("batch") / 2, golden.Integer("tokens"));

        model.ZeroGradients();
        (int[] inputs, int[] targets) = Batch(golden, step: 0);
        int half = inputs.Length / 2;
        pass.ForwardBackward(inputs.AsSpan(0, half), targets.AsSpan(0, half), microBatches: 2);
        pass.ForwardBackward(inputs.AsSpan(half), targets.AsSpan(half), microBatches: 2);

        Assert.Equal(golden.Series("losses")[0], pass.ReadLoss(), Tolerance.TinyModelLoss);
        AssertGradients(golden, model);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Training_TenSteps_HasPyTorchsLossesNormsAndParameters(string deviceName, string caseName)
    {
        GoldenCase golden = GoldenFile.Load(FileName)[caseName];
        double[] rates = golden.Series("learningRates"), losses = golden.Series("losses"), norms = golden.Series("norms");
        using var device = TestDevice.Open(deviceName);
        using GptModel model = CreateModel(device, golden);
        using var pass = new GptPass(model, golden.Integer("batch"), golden.Integer("tokens"));
        using var clipper = new GradClipper(device.Device, model.Gradients, new GradClipperOptions { MaxNorm = golden.Number("maxNorm") });
        using var optimizer = new AdamW(device.Device, model.Parameters, model.Gradients, OptionsOf(golden), clipper);

        for (int step = 0; step < golden.Integer("steps"); step++)
        {
            (int[] inputs, int[] targets) = Batch(golden, step);
            pass.ResetLoss();
            model.ZeroGradients();
            pass.ForwardBackward(inputs, targets);
            optimizer.Step(rates[step]);

            Assert.Equal(losses[step], pass.ReadLoss(), Tolerance.TinyModelLoss);
            ClipResult result = clipper.Read();
            Assert.Equal(norms[step], result.NormBefore, norms[step] * Tolerance.TinyModelNorm);
            Assert.Equal(norms[step] > golden.Number("maxNorm"), result.Clipped);
        }

        // Active in at least one step, and inactive in at least one.
        Assert.InRange(clipper.Read().ClippedCalls, 1, golden.Integer("steps") - 1);
        for (int i = 0; i < model.Layout.Count; i++)
            if (golden.HasOutput($"{model.Layout.NameOf(i)}.final"))
                golden.AssertClose($"{model.Layout.NameOf(i)}.final", Tolerance.TinyModelTrained, model.Parameters[i].ToArray());
    }

    private static GptModel CreateModel(TestDevice device, GoldenCase golden)
    {
        var model = new GptModel(device.Device, new GptConfig
        {
            VocabularySize = golden.Integer("vocabulary"),
            ContextLength = golden.Integer("context"),
            ChannelCount = golden.Integer("channels"),
            HeadCount = golden.Integer("heads"),
            LayerCount = golden.Integer("layers"),
            TiedHead = golden.Flag("tied"),
            Biases = golden.Flag("biases"),
            Norm = golden.Flag("rmsNorm") ? NormKind.RmsNorm : NormKind.LayerNorm,
            Activation = golden.Flag("relu") ? ActivationKind.Relu : ActivationKind.Gelu,
        });
        Assert.Equal(golden.InputNames, Enumerable.Range(0, model.Layout.Count).Select(model.Layout.NameOf));
        for (int i = 0; i < model.Layout.Count; i++)
        {
            Assert.Equal(golden.InputShape(model.Layout.NameOf(i)), model.Layout.ShapeOf(i).ToArray());
            model.Parameters[i].CopyFrom(golden.Input(model.Layout.NameOf(i)));
        }
        return model;
    }

    private static AdamWOptions OptionsOf(GoldenCase golden) => new()
    {
        Beta1 = golden.Number("beta1"),
        Beta2 = golden.Number("beta2"),
        Epsilon = golden.Number("epsilon"),
        WeightDecay = golden.Number("weightDecay"),
    };

    /// <summary>(B, T) inputs and what follows them, from the (B, T + 1) tokens of the step's batch.</summary>
    private static (int[] Inputs, int[] Targets) Batch(GoldenCase golden, int step)
    {
        int[] tokens = golden.Integers($"tokens.{step % golden.Integer("batches")}");
        int stride = golden.Integer("tokens") + 1;
        return ([.. tokens.Where((_, i) => i % stride != stride - 1)], [.. tokens.Where((_, i) => i % stride != 0)]);
    }

    private static void AssertGradients(GoldenCase golden, GptModel model)
    {
        for (int i = 0; i < model.Layout.Count; i++)
            golden.AssertClose($"{model.Layout.NameOf(i)}.grad", Tolerance.TinyModel, model.Gradients[i].ToArray());
    }
}
