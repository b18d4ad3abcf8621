using System.CommandLine;
using System.Globalization;
using Andrea.Cli.Commands;
using Andrea.Gpt;

namespace Andrea.Cli.Lab;

/// <summary><c>andrea lab head</c>: the first loss after a trained model's vocabulary has grown, by how the new rows began.</summary>
internal sealed class HeadCommand
{
    private readonly Option<int?> _seeds = CliOption.Count("--seeds", "Trained models (default: 3).", 1, 1000);
    private readonly Terminal _terminal;

    private HeadCommand(Terminal terminal) => _terminal = terminal;

    public static Command Create(Terminal terminal)
    {
        var head = new HeadCommand(terminal);
        var command = new Command("head", "Adds tokens to a trained model, and compares how their output rows can begin.") { head._seeds };
        command.SetAction(head.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        _terminal.Output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"| new rows | seed | first loss, new tokens | old tokens | by character | the spike: above the model before | norm of the first gradient | by character after {HeadExperiment.Looks[0]} steps | {HeadExperiment.Looks[1]} | {HeadExperiment.Looks[2]} |"));
        _terminal.Output.WriteLine("|---|---|---|---|---|---|---|---|---|---|");
        for (ulong seed = 1; seed <= (ulong)(parsed.GetValue(_seeds) ?? 3); seed++)
        {
            using var experiment = new HeadExperiment(seed);
            foreach (HeadInitializationKind kind in Enum.GetValues<HeadInitializationKind>())
                _terminal.Output.WriteLine(Row($"{kind}", experiment.Run(kind)));
            _terminal.Output.WriteLine(Row($"{HeadInitializationKind.SoftmaxFit}, old rows as well", experiment.Run(HeadInitializationKind.SoftmaxFit, everyRow: true)));
        }
        return ExitCode.Done;
    }

    private static string Row(string rows, HeadResult result) => string.Create(CultureInfo.InvariantCulture,
        $"| {rows} | {result.Seed} | {result.NewTokens:0.00} | {result.OldTokens:0.00} | {result.First:0.00} | {result.Spike:+0.00;-0.00} | {result.FirstNorm:0.00} | {result.After[0]:0.00} | {result.After[1]:0.00} | {result.After[2]:0.00} |");
}
