using System.Diagnostics;
using System.Text.Json;
using Andrea.Gpt;
using Andrea.Optim;
using Andrea.Tensors;
using Andrea.Training;

namespace Andrea.Benchmarks;

/// <summary>Short programs beside BenchmarkDotNet that print JSON, for <c>benchmarks/peers/compare.py</c>.</summary>
internal static class Reports
{
    private const int MostThreads = 1024;

    // Three arrays of 4 GB each.
    private const int MostElements = 1 << 30;

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true };

    /// <summary>Every preset with its parameters' names and shapes, so that no other program has to know them.</summary>
    public static void Presets() => Write(Preset.All.Select(preset => new
    {
        preset.Name,
        preset.Options.BatchSize,
        preset.Config.VocabularySize,
        preset.Config.ContextLength,
        preset.Config.ChannelCount,
        preset.Config.HeadCount,
        preset.Config.LayerCount,
        preset.Config.TiedHead,
        preset.Config.Biases,
        Norm = preset.Config.Norm.ToString(),
        Activation = preset.Config.Activation.ToString(),
        preset.Config.NormEpsilon,
        preset.Options.Clip.MaxNorm,
        ((AdamWOptions)preset.Options.Optimizer).Beta1,
        ((AdamWOptions)preset.Options.Optimizer).Beta2,
        ((AdamWOptions)preset.Options.Optimizer).Epsilon,
        preset.Options.Optimizer.WeightDecay,
        Tensors = Tensors(GptParameters.CreateLayout(preset.Config)),
    }));

    /// <summary>The machine's memory bandwidth.</summary>
    /// <param name="arguments"><c>--threads N</c>, <c>--reps N</c>, <c>--elements N</c>.</param>
    public static void MeasureBandwidth(Arguments arguments)
    {
        int threads = arguments.Number("--threads", Environment.ProcessorCount, MostThreads);
        int repetitions = arguments.Number("--reps", 10);
        // As many as ANDREA's 120M model has, so that caches do not matter.
        int elements = arguments.Number("--elements", 98_717_952, MostElements);
        arguments.ThrowIfUnknown();
        using var bandwidth = new Bandwidth(elements, threads);
        var variants = (from kernel in Enum.GetValues<BandwidthKernel>() from prefetch in new[] { false, true } select (kernel, prefetch)).ToArray();
        List<double>[] times = [.. variants.Select(_ => new List<double>())];
        // The first round maps memory and compiles. Variants take turns, so that a disturbance of the machine hits them alike.
        for (int repetition = -1; repetition < repetitions; repetition++)
            for (int i = 0; i < variants.Length; i++)
            {
                double time = Time(() => bandwidth.Run(variants[i].kernel, variants[i].prefetch));
                if (repetition >= 0)
                    times[i].Add(time);
            }
        Write(new
        {
            Benchmark = "bandwidth",
            Threads = threads,
            bandwidth.Elements,
            Results = variants.Select((variant, i) => Result(
                Name(variant.kernel) + (variant.prefetch ? ", prefetched" : ""), times[i], (double)BandwidthWork.BytesPerElement(variant.kernel) * bandwidth.Elements)),
        });
    }

    /// <summary>The most that this machine's fused multiply-adds reach, on one thread and on all.</summary>
    /// <param name="arguments"><c>--threads N</c>, <c>--reps N</c>.</param>
    public static void MeasureFma(Arguments arguments)
    {
        int threads = arguments.Number("--threads", Environment.ProcessorCount, MostThreads);
        int repetitions = arguments.Number("--reps", 10);
        arguments.ThrowIfUnknown();
        FmaPeak[] peaks = [.. new SortedSet<int> { 1, threads }.Select(count => new FmaPeak(count))];
        List<double>[] times = [.. peaks.Select(_ => new List<double>())];
        // The first round compiles, and lets the processor find the speed that it keeps.
        for (int repetition = -1; repetition < repetitions; repetition++)
            for (int i = 0; i < peaks.Length; i++)
            {
                double time = Time(peaks[i].Run);
                if (repetition >= 0)
                    times[i].Add(time);
            }
        Write(new
        {
            Benchmark = "fma",
            Threads = threads,
            FmaPeak.VectorBits,
            Results = peaks.Select((peak, i) => new
            {
                Name = $"fused multiply-adds, {peak.Threads} thread{(peak.Threads == 1 ? "" : "s")}",
                MedianMs = Median(times[i]),
                MinMs = times[i].Min(),
                GigaflopsPerSecond = peak.Operations / 1e6 / Median(times[i]),
            }),
        });
        foreach (FmaPeak peak in peaks)
            peak.Dispose();
    }

    /// <summary>One line of results, as <c>andrea bench --json</c> writes them.</summary>
    public static object Result(string name, List<double> milliseconds, double bytes) => new
    {
        Name = name,
        MedianMs = Median(milliseconds),
        MinMs = milliseconds.Min(),
        GigabytesPerSecond = bytes / 1e6 / Median(milliseconds),
    };

    public static double Time(Action action)
    {
        long started = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
    }

    public static void Write(object report) => Console.WriteLine(JsonSerializer.Serialize(report, Json));

    private static double Median(List<double> values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    private static string Name(BandwidthKernel kernel) => kernel switch
    {
        BandwidthKernel.Read => "read",
        BandwidthKernel.Triad => "triad",
        BandwidthKernel.StreamingTriad => "triad, streaming stores",
        _ => "update in place",
    };

    private static IEnumerable<object> Tensors(ParameterLayout layout) =>
        Enumerable.Range(0, layout.Count).Select(i => new
        {
            Name = layout.NameOf(i),
            Shape = Enumerable.Range(0, layout.ShapeOf(i).Rank).Select(d => layout.ShapeOf(i)[d]),
        });
}
