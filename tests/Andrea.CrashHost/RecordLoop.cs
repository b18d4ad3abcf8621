using Andrea.Clipping;
using Andrea.Monitoring;
using Andrea.Monitoring.Sinks;

namespace Andrea.CrashHost;

/// <summary>Tells a queue with files of steps and gradients, and ends in the ways in which processes end. What a record holds follows from its step.</summary>
internal static class RecordLoop
{
    public const int Steps = 200;

    public static IReadOnlyList<MonitoredTensor> Tensors { get; } = [.. Enumerable.Range(0, 40).Select(i => new MonitoredTensor($"tensor.{i}", 100, i))];

    /// <summary>Goes on from the last step in the folder until it is killed; prints "flushed STEP" now and then.</summary>
    public static void RunForEver(string folder, long lastStep)
    {
        using ObserverQueue queue = Open(folder, lastStep);
        var gradients = new GradientRecord(Tensors);
        for (long step = lastStep + 1; ; step++)
        {
            Tell(queue, gradients, step);
            if (step % 7 == 0 && queue.Flush(TimeSpan.FromMinutes(1)))
                Console.WriteLine($"flushed {step}");
        }
    }

    /// <summary>Tells <see cref="Steps"/> steps, disposes of nothing, and ends.</summary>
    /// <param name="folder">Where the files go.</param>
    /// <param name="throws">Whether by an exception that nobody catches, on another thread; else by Environment.Exit.</param>
    public static void RunAndEnd(string folder, bool throws)
    {
        ObserverQueue queue = Open(folder, 0);
        var gradients = new GradientRecord(Tensors);
        for (long step = 1; step <= Steps; step++)
            Tell(queue, gradients, step);
        if (!throws)
            Environment.Exit(3);
        var thread = new Thread(() => throw new InvalidOperationException("planted"));
        thread.Start();
        thread.Join();
    }

    private static ObserverQueue Open(string folder, long lastStep)
    {
        var queue = new ObserverQueue();
        var metrics = new MetricsFile(Path.Combine(folder, "metrics.jsonl"));
        metrics.DropAfter(lastStep);
        queue.Add(metrics, owned: true);
        var file = new GradientsFile(Path.Combine(folder, "gradients.jsonl"));
        file.DropAfter(lastStep);
        queue.Add(file, owned: true);
        var csv = new CsvFile(Path.Combine(folder, "metrics.csv"));
        csv.DropAfter(lastStep == 0 ? -1 : lastStep);
        queue.Add(csv, owned: true);
        queue.Add(new TensorBoardFile(folder), owned: true);
        return queue;
    }

    private static void Tell(ObserverQueue queue, GradientRecord gradients, long step)
    {
        queue.OnStep(new StepRecord
        {
            Step = step,
            TotalSteps = long.MaxValue,
            Loss = 1.0 / step,
            Clip = new ClipResult { Call = step, NormBefore = step, NormAfter = 1, Coefficient = 1.0 / step, MaxMagnitude = 1, ClippedCalls = step, SkippedCalls = 0 },
            LearningRate = 1e-3,
            Tokens = 100,
            Duration = TimeSpan.FromMilliseconds(1),
        });
        gradients.Step = step;
        gradients.Coefficient = 1.0 / step;
        for (int i = 0; i < Tensors.Count; i++)
            gradients.Places[i] = new TensorReading
            {
                Norm = step + (1.0 / 3),
                NormAfter = 1,
                MaxMagnitude = 1,
                NonFiniteCount = 0,
                FirstNonFinite = -1,
                WeightNorm = double.NaN,
                UpdateNorm = double.NaN,
                GradientRms = double.NaN,
                SecondMomentRatio = double.NaN,
            };
        queue.OnGradients(gradients);
    }
}
