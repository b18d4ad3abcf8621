using System.CommandLine;
using Andrea.Cli.Commands;

namespace Andrea.Cli.Lab.Runs;

/// <summary>Options that the experiments with many runs have in common.</summary>
internal sealed class LabOptions
{
    private const int FewestSteps = 48;

    private readonly Option<bool> _quick = CreateQuick();
    private readonly Option<int?> _seeds, _steps;
    private readonly Option<string?> _out = CliOption.Place("--out", "Folder to write the table and the curves of all runs into.");

    /// <param name="seeds">Seeds by default.</param>
    /// <param name="steps">Steps by default.</param>
    public LabOptions(int seeds, int steps)
    {
        _seeds = CliOption.Count("--seeds", $"Runs of each kind (default: {seeds}, with --quick 1).", 1, 1000);
        _steps = CliOption.Count("--steps", $"Steps of each run (default: {steps}, with --quick fewer).", FewestSteps, 1_000_000);
    }

    public static Option<bool> CreateQuick() => new("--quick") { Description = "A smaller model, fewer steps and one seed: whether all is well, and no more." };

    public void AddTo(Command command)
    {
        command.Options.Add(_quick);
        command.Options.Add(_seeds);
        command.Options.Add(_steps);
        command.Options.Add(_out);
    }

    public bool IsQuick(ParseResult parsed) => parsed.GetValue(_quick);

    public int? Seeds(ParseResult parsed) => parsed.GetValue(_seeds);

    public int? Steps(ParseResult parsed) => parsed.GetValue(_steps);

    /// <summary>Where the results go; a folder that cannot be is an error now, not after the runs.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="terminal">Where the table is written.</param>
    /// <param name="name">Of the experiment's files, without extension.</param>
    public LabOutput Open(ParseResult parsed, Terminal terminal, string name) => 
        new(terminal, name, parsed.GetValue(_out), "andrea " + string.Join(' ', parsed.Tokens.Select(token => token.Value)));
}
