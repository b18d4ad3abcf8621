using System.CommandLine;
using Andrea.Cli.Lab.Runs;

namespace Andrea.Cli.Lab.Collapse;

/// <summary><c>andrea lab collapse</c>: the collapse of ANDREA's v1 and what keeps v2 from it.</summary>
internal sealed class CollapseCommand
{
    private const string Name = "lab-collapse";

    private readonly LabOptions _options = new(new CollapseExperiment().Seeds, new CollapseExperiment().Steps);
    private readonly Terminal _terminal;

    private CollapseCommand(Terminal terminal) => _terminal = terminal;

    public static Command Create(Terminal terminal)
    {
        var collapse = new CollapseCommand(terminal);
        var command = new Command("collapse", "Shocks plain Adam until it collapses, then trains with each guard alone and with all, in two widths.");
        collapse._options.AddTo(command);
        command.SetAction(collapse.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        CollapseExperiment experiment = _options.IsQuick(parsed) ? CollapseExperiment.Quick : new CollapseExperiment();
        experiment = experiment with { Seeds = _options.Seeds(parsed) ?? experiment.Seeds, Steps = _options.Steps(parsed) ?? experiment.Steps };
        using LabOutput output = _options.Open(parsed, _terminal, Name);
        CollapseResult result = experiment.Run(output.Session, output.RunsFolder);
        output.Write(CollapseTable.Of(result), [.. result.Rungs.Select(rung => rung.Result), .. result.Cells.Select(cell => cell.Result)]);
        return ExitCode.Done;
    }
}
