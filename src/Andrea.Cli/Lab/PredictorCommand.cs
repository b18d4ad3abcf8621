using System.CommandLine;
using System.Globalization;
using Andrea.Cli.Commands;

namespace Andrea.Cli.Lab;

/// <summary><c>andrea lab predictor</c>: whether the curvature along the gradient announces Adam's loss spikes, for several beta2 and seeds.</summary>
internal sealed class PredictorCommand
{
    private static readonly double[] Beta2s = [0.9, 0.95, 0.99, 0.999, 0.9999];

    private readonly Option<int?> _seeds = CliOption.Count("--seeds", "Seeds of each beta2 (default: 4).", 1, 1000);
    private readonly Option<int?> _steps = CliOption.Count("--steps", "Steps of each run (default: 8000).", 200, 10_000_000);
    private readonly Terminal _terminal;

    private PredictorCommand(Terminal terminal) => _terminal = terminal;

    public static Command Create(Terminal terminal)
    {
        var predictor = new PredictorCommand(terminal);
        var command = new Command("predictor", "Trains a small network at several beta2 and scores what announces its loss spikes.") { predictor._seeds, predictor._steps };
        command.SetAction(predictor.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        var experiment = new PredictorExperiment { Steps = parsed.GetValue(_steps) ?? new PredictorExperiment().Steps };
        int seeds = parsed.GetValue(_seeds) ?? 4;
        _terminal.Output.WriteLine("| beta2 | seed | spikes | announced | lead, steps: median (least to most) | missed | false alarms | steps above 2/lr | stale v: announced / missed / false | final loss |");
        _terminal.Output.WriteLine("|---|---|---|---|---|---|---|---|---|---|");
        foreach (double beta2 in Beta2s)
            for (ulong seed = 1; seed <= (ulong)seeds; seed++)
                _terminal.Output.WriteLine(Row(experiment.Run(beta2, seed)));
        return ExitCode.Done;
    }

    private static string Row(PredictorResult result)
    {
        PredictionScore score = result.Curvature, stale = result.StaleMoment;
        int[] leads = [.. score.Leads.Order()];
        string lead = leads.Length == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"{leads[leads.Length / 2]} ({leads[0]} to {leads[^1]})");
        return string.Create(CultureInfo.InvariantCulture,
            $"| {result.Beta2} | {result.Seed} | {result.Spikes} | {score.Hits} | {lead} | {score.Misses} | {score.FalseAlarms} | {100 * result.ShareAbove:0.0} % | {stale.Hits} / {stale.Misses} / {stale.FalseAlarms} | {result.FinalLoss:0.0e+0} |");
    }
}
