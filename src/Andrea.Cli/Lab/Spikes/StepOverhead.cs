using System.Diagnostics;
using Andrea.Cli.Lab.Runs;
using Andrea.Data;
using Andrea.Gpt;
using Andrea.Training;

namespace Andrea.Cli.Lab.Spikes;

/// <summary>What a step costs with each method, against the baseline: all methods make a step by turns, so that a disturbance of the machine hits them alike.</summary>
internal static class StepOverhead
{
    /// <summary>Times them.</summary>
    /// <param name="session">Shows progress, and ends it.</param>
    /// <param name="config">The model.</param>
    /// <param name="data">What to train on.</param>
    /// <param name="methods">Names and options.</param>
    /// <param name="rounds">Timed rounds; a tenth of them more are for warming up.</param>
    /// <returns>Median over rounds of a method's time over the baseline's in the same round, by name; empty if it was ended early.</returns>
    public static IReadOnlyDictionary<string, double> Measure(
        LabSession session, GptConfig config, TokenDataset data, IReadOnlyList<(string Name, TrainerOptions Options)> methods, int rounds)
    {
        using Device device = Device.Cpu(1);
        int warmup = Math.Max(5, rounds / 10);
        Trainer[] trainers = [.. methods.Select(method => new Trainer(device, config, data, method.Options with { EvaluationBatches = 0 }))];
        double[][] times = [.. methods.Select(_ => new double[rounds])];
        bool complete = session.Show("Time per step", rounds + warmup, done =>
        {
            for (int round = -warmup; round < rounds && !session.IsCancelled; round++, done())
                for (int i = 0; i < trainers.Length; i++)
                {
                    // Not always in the same order: a step may find the caches as the one before it left them.
                    int method = (i + round + warmup) % trainers.Length;
                    long started = Stopwatch.GetTimestamp();
                    trainers[method].TrainStep();
                    if (round >= 0)
                        times[method][round] = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
                }
            return !session.IsCancelled;
        });
        foreach (Trainer trainer in trainers)
            trainer.Dispose();
        if (!complete)
            return new Dictionary<string, double>();
        int baseline = Array.FindIndex([.. methods], method => method.Name == SpikeMethod.BaselineName);
        return methods.Select((method, i) => (method.Name, Ratio: Spread.Median(times[i].Zip(times[baseline], (time, of) => time / of))))
            .ToDictionary(pair => pair.Name, pair => pair.Ratio);
    }
}
