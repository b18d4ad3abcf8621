using System.CommandLine;
using System.Globalization;
using Andrea.Cli.Commands;

namespace Andrea.Cli.Lab;

/// <summary><c>andrea lab slingshot</c>: what becomes of a model that is surer than float32 can say, with and without zero-sum gradients.</summary>
internal sealed class SlingshotCommand
{
    private readonly Option<int?> _seeds = CliOption.Count("--seeds", "Seeds of each arm (default: 4).", 1, 1000);
    private readonly Option<int?> _steps = CliOption.Count("--steps", "Steps of each run (default: 20000).", 20, 10_000_000);
    private readonly Option<double?> _rate = CliOption.Number("--lr", "Learning rate (default: 0.003).", "a number above 0", value => value > 0);
    private readonly Option<double?> _beta2 = CliOption.Number("--beta2", "AdamW's beta2 (default: 0.95).", "a number from 0 up to, but not including, 1", value => value is >= 0 and < 1);
    private readonly Terminal _terminal;

    private SlingshotCommand(Terminal terminal) => _terminal = terminal;

    public static Command Create(Terminal terminal)
    {
        var slingshot = new SlingshotCommand(terminal);
        var command = new Command("slingshot", "Trains a tiny model far beyond certainty, with float32's own gradients and with gradients that sum to 0.")
        {
            slingshot._seeds, slingshot._steps, slingshot._rate, slingshot._beta2,
        };
        command.SetAction(slingshot.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        var defaults = new SlingshotExperiment();
        SlingshotExperiment experiment = defaults with
        {
            Steps = parsed.GetValue(_steps) ?? defaults.Steps,
            LearningRate = parsed.GetValue(_rate) ?? defaults.LearningRate,
            Beta2 = parsed.GetValue(_beta2) ?? defaults.Beta2,
        };
        int seeds = parsed.GetValue(_seeds) ?? 4;
        _terminal.Output.WriteLine("| gradient | seed | half absorbed at step | absorbed at the end | worst zero-sum error | largest drift of the head's mean row | its norm at the end | loss spikes | highest loss after learning |");
        _terminal.Output.WriteLine("|---|---|---|---|---|---|---|---|---|");
        foreach (bool zeroSum in new[] { false, true })
            for (ulong seed = 1; seed <= (ulong)seeds; seed++)
                _terminal.Output.WriteLine(Row(experiment.Run(zeroSum, seed)));
        return ExitCode.Done;
    }

    private static string Row(SlingshotResult result) => string.Create(CultureInfo.InvariantCulture,
        $"| {(result.ZeroSum ? "zero-sum" : "float32's own")} | {result.Seed} | {(result.FirstAbsorbed is { } step ? step : "never")} | {100 * result.Last.AbsorbedShare:0} % | {result.WorstError:0.0e+0} | {result.LargestDrift:0.000} | {result.Last.HeadMeanNorm:0.000} | {result.Spikes} | {result.HighestLoss:0.0e+0} |");
}
