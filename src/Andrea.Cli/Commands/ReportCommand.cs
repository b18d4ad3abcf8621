using System.CommandLine;
using Andrea.Reporting;

namespace Andrea.Cli.Commands;

/// <summary><c>andrea report RUN...</c>: makes one page about a run, or about several side by side.</summary>
internal sealed class ReportCommand
{
    private readonly Argument<string[]> _runs = new("RUN")
    {
        Description = "Folders of runs; several are laid over each other and compared.",
        Arity = ArgumentArity.OneOrMore,
    };
    private readonly Option<string?> _out = CliOption.Word(
        "--out", "FILE", $"The page (default: {RunReport.FileName} in the run's folder; for several runs, in the current one).");
    private readonly Terminal _terminal;

    private ReportCommand(Terminal terminal) => _terminal = terminal;

    public static Command Create(Terminal terminal)
    {
        var report = new ReportCommand(terminal);
        var command = new Command("report", "Makes a page of charts about a run, or compares several.") { report._runs, report._out };
        report._runs.Validators.Add(result => CliOption.RefuseEmpty(result, "report"));
        report._out.Validators.Add(result => CliOption.RefuseEmpty(result, "--out"));
        command.SetAction(report.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        RunData[] runs = [.. parsed.GetValue(_runs)!.Select(Read)];
        string path = parsed.GetValue(_out) ?? (runs.Length == 1 ? Path.Combine(runs[0].Folder, RunReport.FileName) : RunReport.FileName);
        if (Directory.Exists(path))
            throw new CommandException($"'{path}' is a folder; give a file for the page, such as --out {Path.Combine(path, RunReport.FileName)}.");
        path = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        RunReport.Write(path, runs);
        _terminal.Output.WriteLine(path);
        return ExitCode.Done;
    }

    private static RunData Read(string folder)
    {
        if (!Directory.Exists(folder))
            throw new CommandException(File.Exists(folder)
                ? $"'{folder}' is a file; expected the folder of a run, such as runs/NAME."
                : $"There is no folder '{folder}'; expected the folder of a run, such as runs/NAME.");
        RunData run = RunData.Read(folder);
        return run.IsEmpty
            ? throw new CommandException($"The folder '{folder}' has no records of a run: no metrics.jsonl with a step in it. Pass the folder that andrea train wrote.")
            : run;
    }
}
