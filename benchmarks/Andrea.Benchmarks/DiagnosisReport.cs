using System.Globalization;
using Andrea.Monitoring;
using Andrea.Monitoring.Diagnosis;
using Andrea.Tests.Support;

namespace Andrea.Benchmarks;

/// <summary>How often does diagnosis cry wolf? Trains healthy runs, and ill ones beside them, and prints what it said of each, as markdown.</summary>
internal static class DiagnosisReport
{
    private const int MostSeeds = 1000, SparseUpdates = 10;

    /// <param name="arguments"><c>--seeds N</c> of every healthy run, <c>--large N</c> of the large ones, from <c>--first-seed N</c> on.</param>
    public static void Measure(Arguments arguments)
    {
        int seeds = arguments.Number("--seeds", 3, MostSeeds), largeSeeds = arguments.Number("--large", 1, MostSeeds);
        int firstSeed = arguments.Number("--first-seed", 1);
        arguments.ThrowIfUnknown();
        Console.WriteLine("| ill run | loss, first and last | verdicts (step), updates measured every step | every 10 steps |\n|---|---|---|---|");
        foreach (DiagnosisRun run in DiagnosisRun.Classic)
        {
            Outcome outcome = Train(run);
            WriteLine($"| {run.Name} | {outcome.FirstLoss:0.00}, {outcome.LastLoss:0.00} | {Steps(outcome.Dense)} | {Steps(outcome.Sparse)} |");
        }
        Console.WriteLine("\n| healthy run | seeds | steps | last loss | false verdicts | loss spikes | norm spikes |\n|---|---|---|---|---|---|---|");
        var all = new List<Outcome>();
        foreach (DiagnosisRun run in DiagnosisRun.Healthy)
            all.AddRange(TrainSeeds(run, firstSeed, seeds));
        foreach (DiagnosisRun run in DiagnosisRun.HealthyLarge)
            all.AddRange(TrainSeeds(run, firstSeed, largeSeeds));
        WriteRates(all);
    }

    private static List<Outcome> TrainSeeds(DiagnosisRun run, int firstSeed, int seeds)
    {
        var outcomes = new List<Outcome>();
        for (int seed = firstSeed; seed < firstSeed + seeds; seed++)
            outcomes.Add(Train(run with { Options = run.Options with { Seed = (ulong)seed } }));
        string losses = string.Join(", ", outcomes.Select(outcome => outcome.LastLoss.ToString("0.00", CultureInfo.InvariantCulture)));
        string verdicts = string.Join("; ", outcomes.Where(outcome => outcome.Alarms.Any()).Select(outcome => Steps(outcome.Alarms)));
        WriteLine(
            $"| {run.Name} | {seeds} | {outcomes.Sum(outcome => outcome.Steps)} | {losses} | {(verdicts.Length == 0 ? "none" : verdicts)} | {Spikes(outcomes, SpikeQuantity.Loss)} | {Spikes(outcomes, SpikeQuantity.Norm)} |");
        return outcomes;
    }

    private static void WriteRates(List<Outcome> outcomes)
    {
        long steps = outcomes.Sum(outcome => outcome.Steps);
        WriteLine($"\n| false alarms in {outcomes.Count} healthy runs, {steps} steps | count | runs with one | per 1,000 steps |\n|---|---|---|---|");
        foreach (VerdictKind kind in Enum.GetValues<VerdictKind>())
            WriteRate(kind.ToString(), outcome => outcome.Alarms.Count(verdict => verdict.Kind == kind));
        foreach (SpikeQuantity quantity in Enum.GetValues<SpikeQuantity>())
            WriteRate($"spike of {quantity}", outcome => outcome.Dense.Spikes.Count(spike => spike.Quantity == quantity));

        void WriteRate(string name, Func<Outcome, int> count) =>
            WriteLine($"| {name} | {outcomes.Sum(count)} | {outcomes.Count(outcome => count(outcome) > 0)} | {1000.0 * outcomes.Sum(count) / steps:0.00} |");
    }

    /// <summary>Trains once, with two diagnoses beside: one sees updates in every step, one now and then.</summary>
    private static Outcome Train(DiagnosisRun run)
    {
        using MeasuredTraining training = run.Begin();
        using GradientDiagnosis dense = run.CreateDiagnosis(), sparse = run.CreateDiagnosis();
        double firstLoss = double.NaN, lastLoss = double.NaN;
        int nonFinite = 0;
        // A run that is NaN stays so.
        while (training.Step < run.Options.Steps && nonFinite < 5)
        {
            StepRecord record = training.TrainStep();
            lastLoss = record.Loss;
            firstLoss = record.Step == 1 ? record.Loss : firstLoss;
            nonFinite += double.IsFinite(record.Loss) ? 0 : 1;
            dense.OnStep(record);
            dense.OnGradients(training.Gradients);
            training.Gradients.HasUpdates &= (record.Step - 1) % SparseUpdates == 0;
            sparse.OnStep(record);
            sparse.OnGradients(training.Gradients);
        }
        return new Outcome(training.Step, firstLoss, lastLoss, dense, sparse);
    }

    private static string Steps(GradientDiagnosis diagnosis) => Steps(diagnosis.Verdicts);

    private static string Steps(IEnumerable<Verdict> verdicts) =>
        string.Join(", ", verdicts.Select(verdict => $"{verdict.Kind} ({verdict.Step})")) is { Length: > 0 } text ? text : "none";

    private static int Spikes(List<Outcome> outcomes, SpikeQuantity quantity) =>
        outcomes.Sum(outcome => outcome.Dense.Spikes.Count(spike => spike.Quantity == quantity));

    private static void WriteLine(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    private sealed record Outcome(long Steps, double FirstLoss, double LastLoss, GradientDiagnosis Dense, GradientDiagnosis Sparse)
    {
        /// <summary>What either diagnosis said.</summary>
        public IEnumerable<Verdict> Alarms => Dense.Verdicts.Concat(Sparse.Verdicts.Where(verdict => Dense.Verdicts.All(other => other.Kind != verdict.Kind)));
    }
}
