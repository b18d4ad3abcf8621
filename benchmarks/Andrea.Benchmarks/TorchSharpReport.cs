using Andrea.Gpt;
using Andrea.Tensors;
using Andrea.Training;
using TorchSharp;

namespace Andrea.Benchmarks;

/// <summary>Times TorchSharp's optimizer at a preset's shapes, and prints what <c>andrea bench optimizer --json</c> prints of Andrea's.</summary>
internal static class TorchSharpReport
{
    private const int WarmupSteps = 3;

    /// <param name="arguments"><c>--preset NAME</c>, <c>--device cpu|cuda</c>, <c>--threads N</c>, <c>--reps N</c>.</param>
    public static void Measure(Arguments arguments)
    {
        Preset preset = Preset.Find(arguments.Text("--preset", Preset.Chars.Name));
        string device = arguments.Text("--device", "cpu");
        int threads = arguments.Number("--threads", Environment.ProcessorCount);
        int repetitions = arguments.Number("--reps", 10);
        arguments.ThrowIfUnknown();
        ParameterLayout layout = GptParameters.CreateLayout(preset.Config);
        using var optimizer = new TorchSharpOptimizer(device, threads, Shapes(layout), learningRate: 1e-4, preset.Options.Optimizer.WeightDecay);
        List<double> clips = [], steps = [], both = [];
        for (int repetition = -WarmupSteps; repetition < repetitions; repetition++)
        {
            double clip = Time(() => optimizer.Clip(preset.Options.Clip.MaxNorm));
            double step = Time(optimizer.Step);
            if (repetition < 0)
                continue;
            clips.Add(clip);
            steps.Add(step);
            both.Add(clip + step);
        }
        Reports.Write(new
        {
            Benchmark = "optimizer",
            Preset = preset.Name,
            Parameters = layout.ElementCount,
            Repetitions = repetitions,
            Device = device == "cpu" ? $"CPU, {torch.get_num_threads()} threads" : device,
            Version = TorchSharpOptimizer.Version,
            Results = new[]
            {
                Reports.Result("clip", clips, 12.0 * layout.ElementCount),
                Reports.Result("AdamW", steps, 28.0 * layout.ElementCount),
                Reports.Result("clip and AdamW", both, 40.0 * layout.ElementCount),
            },
        });

        double Time(Action action) => Reports.Time(() =>
        {
            action();
            optimizer.Synchronize();
        });
    }

    private static IEnumerable<long[]> Shapes(ParameterLayout layout) =>
        Enumerable.Range(0, layout.Count).Select(i => Enumerable.Range(0, layout.ShapeOf(i).Rank).Select(d => layout.ShapeOf(i)[d]).ToArray());
}
