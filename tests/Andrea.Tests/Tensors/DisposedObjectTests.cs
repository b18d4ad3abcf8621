using Andrea.Clipping;
using Andrea.Clipping.Policies;
using Andrea.Data;
using Andrea.Gpt;
using Andrea.Monitoring;
using Andrea.Monitoring.Sinks;
using Andrea.Optim;
using Andrea.Tensors;
using Andrea.Tests.Support;
using Andrea.Training;

namespace Andrea.Tests.Tensors;

/// <summary>What is used after it was disposed says so by its own name, not by that of something within.</summary>
public class DisposedObjectTests
{
    private static readonly GptConfig Config = new() { VocabularySize = 257, ContextLength = 4, ChannelCount = 8, HeadCount = 2, LayerCount = 1 };

    [Fact]
    public void ClipperAndOptimizer_Disposed_AreNamed()
    {
        using Device device = Device.Cpu(1);
        using var parameters = new GradientSet([1f, 2f]);
        using var gradients = new GradientSet([1f, 2f]);
        var clipper = new GradClipper(device, gradients.Tensors, new GradClipperOptions { Policy = new ZClipPolicy() });
        var optimizer = new AdamW(device, parameters.Tensors, gradients.Tensors, clipper: clipper);
        optimizer.Step(0.1);
        OptimizerProgress progress = optimizer.ReadProgress();
        clipper.Dispose();
        Names<GradClipper>(
            clipper.Clip, clipper.Measure, () => clipper.Read(), () => _ = clipper.Latest, () => clipper.ReadTensorNorms(new double[1]),
            () => clipper.ReadPolicyState(), () => clipper.RestorePolicyState(null), () => optimizer.Step(0.1));
        ParameterArena moments = optimizer.FirstMoments;
        optimizer.Dispose();
        Names<AdamW>(() => optimizer.Step(0.1), () => optimizer.ReadProgress(), () => optimizer.RestoreProgress(progress));
        Names<ParameterArena>(() => _ = moments[0], () => _ = moments[moments.NameOf(0)]);
    }

    [Fact]
    public void ModelAndWhatComputesWithIt_Disposed_AreNamed()
    {
        using Device device = Device.Cpu(1);
        int[] tokens = [1, 2, 3, 4];
        var model = new GptModel(device, Config);
        var pass = new GptPass(model, 1, 4);
        var decoder = new GptDecoder(model);
        var generator = new TextGenerator(model, new ByteTokenizer());
        var absorption = new AbsorptionMonitor(model, pass);
        Tensor view = model.Parameters[0];
        IEnumerator<string> text = generator.Generate("a", 3).GetEnumerator();
        Assert.True(text.MoveNext());
        generator.Dispose();
        Names<TextGenerator>(() => generator.Generate("a", 3), () => text.MoveNext());
        absorption.Dispose();
        Names<AbsorptionMonitor>(absorption.MeasureNext, () => absorption.Read(1));
        pass.Dispose();
        Names<GptPass>(
            () => pass.Forward(tokens), () => pass.Evaluate(tokens, tokens), () => pass.ForwardBackward(tokens, tokens), pass.ResetLoss, () => pass.ReadLoss());
        using var other = new GptPass(model, 1, 4);
        model.Dispose();
        Names<GptModel>(
            () => other.Forward(tokens), () => decoder.Accept(1), model.ZeroGradients, () => _ = model.Gradients, () => model.Initialize(InitializationKind.Gpt2, 1));
        Names<Tensor>(() => view.ToArray());
        decoder.Dispose();
        Names<GptDecoder>(() => decoder.Accept(1));
    }

    [Fact]
    public void Files_Disposed_AreNamed()
    {
        using var folder = new TemporaryFolder();
        var metrics = new MetricsFile(folder["metrics.jsonl"]);
        var csv = new CsvFile(folder["steps.csv"]);
        var log = new LogLines(folder["log.txt"]);
        var evaluation = new EvaluationRecord(1, 2, true);
        foreach (IDisposable file in (IDisposable[])[metrics, csv, log])
            file.Dispose();
        Names<MetricsFile>(() => metrics.OnEvaluation(evaluation));
        Names<CsvFile>(() => csv.OnEvaluation(evaluation));
        Names<LogLines>(() => log.OnEvaluation(evaluation));
    }

    private static void Names<T>(params Action[] calls)
    {
        foreach (Action call in calls)
            Assert.Equal(typeof(T).FullName, Assert.Throws<ObjectDisposedException>(call).ObjectName);
    }
}
