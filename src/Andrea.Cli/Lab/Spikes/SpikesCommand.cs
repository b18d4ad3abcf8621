using System.CommandLine;
using Andrea.Cli.Lab.Runs;

namespace Andrea.Cli.Lab.Spikes;

/// <summary><c>andrea lab spikes</c>: every protection against loss spikes under the same faults, and which to use when.</summary>
internal sealed class SpikesCommand
{
    private const string Name = "lab-spikes";

    private readonly LabOptions _options = new(new SpikesExperiment().Seeds, new SpikesExperiment().Steps);
    private readonly Terminal _terminal;

    private SpikesCommand(Terminal terminal) => _terminal = terminal;

    public static Command Create(Terminal terminal)
    {
        var spikes = new SpikesCommand(terminal);
        var command = new Command("spikes", "Trains with every protection against loss spikes under the same faults, and says which to use when. On 2 cores in about half an hour.");
        spikes._options.AddTo(command);
        command.SetAction(spikes.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        bool quick = _options.IsQuick(parsed);
        SpikesExperiment experiment = quick ? SpikesExperiment.Quick : new SpikesExperiment();
        experiment = experiment with { Seeds = _options.Seeds(parsed) ?? experiment.Seeds, Steps = _options.Steps(parsed) ?? experiment.Steps };
        using LabOutput output = _options.Open(parsed, _terminal, Name);
        SpikesResult result = experiment.Run(output.Session);
        output.Write(SpikesTable.Of(result), [.. result.Cells.Concat(result.HighRate).Select(cell => cell.Result)]);
        return ExitCode.Done;
    }
}
