using Andrea.Cli.Doctor;
using Andrea.Cli.Rendering;

namespace Andrea.Cli.Lab.Runs;

/// <summary>Where an experiment's results go, and what ends it.</summary>
internal sealed class LabOutput : IDisposable
{
    private readonly LabSignals _signals;
    private readonly FileStream? _lock;
    private readonly Terminal _terminal;
    private readonly string _name, _command;
    private readonly long _started;

    /// <param name="terminal">Where the table is written.</param>
    /// <param name="name">Of the experiment's files, without extension.</param>
    /// <param name="folder">Folder of the files; null for none. Made now, so that a place that cannot be is an error before the runs.</param>
    /// <param name="command">The command line, to be repeated.</param>
    public LabOutput(Terminal terminal, string name, string? folder, string command)
    {
        (_terminal, _name, Folder, _command, _started) = (terminal, name, folder, command, terminal.Clock.GetTimestamp());
        if (folder is not null)
        {
            if (File.Exists(folder))
                throw new CommandException($"'{folder}' is a file; expected a folder after --out, to write the results into.");
            Directory.CreateDirectory(folder);
            _lock = Lock(folder, name);
            DeleteRuns();
        }
        _signals = new LabSignals();
        Session = new LabSession(terminal, _signals.Stopping);
    }

    public LabSession Session { get; }

    /// <summary>Folder of the files; null for none.</summary>
    public string? Folder { get; }

    /// <summary>Folder of runs that a page is made of; null without files.</summary>
    public string? RunsFolder => Folder is null ? null : Path.Combine(Folder, $".{_name}-runs");

    /// <summary>Writes the table, and the files if there is a folder.</summary>
    /// <param name="table">The table.</param>
    /// <param name="results">All runs.</param>
    public void Write(string table, IReadOnlyList<LabResult> results)
    {
        table += $"\nMade by `{_command}`, Andrea {Versions.Andrea}, {Machine.Processor}, {Environment.ProcessorCount} threads, in {Units.Time(_terminal.Clock.GetElapsedTime(_started))}.\n";
        if (Session.IsCancelled)
            table = $"Ended early: what is missing here was not run.\n\n{table}";
        _terminal.Output.Write(table);
        if (Folder is null)
            return;
        LabFiles.Write(Folder, _name, table, results);
        string page = LabFiles.WritePage(Folder, _name, results) ? $", {_name}.html" : "";
        _terminal.Output.WriteLine();
        _terminal.Output.WriteLine($"Written into {Folder}: {_name}.md, {_name}-loss.csv, {_name}-norm.csv{page}");
    }

    public void Dispose()
    {
        _signals.Dispose();
        try
        {
            DeleteRuns();
        }
        finally
        {
            _lock?.Dispose();
        }
    }

    /// <summary>Keeps a second one from deleting the runs of the first. Held by the process: one that is killed leaves a file that locks nothing.</summary>
    private static FileStream Lock(string folder, string name)
    {
        try
        {
            return new FileStream(Path.Combine(folder, $".{name}-lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose);
        }
        catch (IOException exception)
        {
            throw new CommandException(
                $"Another {name} is writing into '{folder}', or it cannot be locked ({exception.Message.TrimEnd('.')}); wait until it has ended, or give another folder after --out.");
        }
    }

    /// <summary>Also before the runs: one that was killed leaves its own behind, and metrics are appended to what is there.</summary>
    private void DeleteRuns()
    {
        if (RunsFolder is { } folder && Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }
}
