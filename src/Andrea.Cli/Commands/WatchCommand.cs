using System.CommandLine;
using System.Runtime.InteropServices;
using Andrea.Cli.Live;

namespace Andrea.Cli.Commands;

/// <summary><c>andrea watch RUN</c>: serves the live page of a run, or of all runs in a folder, until Ctrl-C.</summary>
internal sealed class WatchCommand
{
    private readonly Argument<string> _run = new("RUN") { Description = "Folder of a run, whether it goes on or is over, or a folder of several." };
    private readonly LiveOptions _live = new("--port", "--host", isSwitch: false);
    private readonly Terminal _terminal;

    private WatchCommand(Terminal terminal) => _terminal = terminal;

    public static Command Create(Terminal terminal)
    {
        var watch = new WatchCommand(terminal);
        var command = new Command("watch", "Shows a run, or several, in a page for browsers on this machine; looks only.") { watch._run };
        watch._run.Validators.Add(result => CliOption.RefuseEmpty(result, "watch"));
        watch._live.AddTo(command);
        command.SetAction((parsed, cancellation) => watch.RunAsync(parsed, cancellation));
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        string folder = parsed.GetValue(_run)!;
        if (!Directory.Exists(folder))
            throw new CommandException((File.Exists(folder) ? $"'{folder}' is a file" : $"There is no folder '{folder}'")
                + "; expected the folder of a run, such as runs/chars-1, or of several, such as runs.");
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using PosixSignalRegistration interrupt = On(PosixSignal.SIGINT, stop), end = On(PosixSignal.SIGTERM, stop), hangUp = On(PosixSignal.SIGHUP, stop);
        await using LiveServer server = await _live.StartAsync(parsed, RunList.Below(folder), _terminal, text => ErrorReport.Note(text, _terminal)).ConfigureAwait(false);
        _terminal.Output.WriteLine($"Showing {folder} at {server.Url} until Ctrl-C.");
        _terminal.Output.Flush();
        await Task.Delay(Timeout.Infinite, stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return ExitCode.Done;
    }

    /// <summary>Ends in good order; a second signal of the kind ends at once.</summary>
    private static PosixSignalRegistration On(PosixSignal signal, CancellationTokenSource stop) => PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = !stop.IsCancellationRequested;
        stop.Cancel();
    });
}
