using System.Runtime.InteropServices;

namespace Andrea.Cli.Training;

/// <summary>
/// What signals do to a run: SIGTERM, SIGHUP and Ctrl-C end it after a checkpoint, SIGUSR1 has it write one and go on. Before there is a
/// run, they end the process at once.
/// </summary>
/// <remarks>A second Ctrl-C ends the process at once, as it would have without Andrea.</remarks>
internal sealed class RunSignals : IDisposable
{
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Action<string> _note;
    private readonly Action<int> _exit;
    private Action? _requestCheckpoint;

    /// <param name="note">Tells the user.</param>
    /// <param name="exit">Ends the process with an exit code.</param>
    public RunSignals(Action<string> note, Action<int> exit)
    {
        _note = note;
        _exit = exit;
        Register(PosixSignal.SIGTERM, Stop);
        Register(PosixSignal.SIGHUP, Stop);
        Register(PosixSignal.SIGINT, Stop);
        if (CheckpointSignal is { } signal)
            Register(signal, Checkpoint);
    }

    /// <summary>Cancelled when the run is to end.</summary>
    public CancellationToken Stopping => _stop.Token;

    /// <summary>SIGUSR1 by its raw number, since .NET has no name for it; null where there is no such signal.</summary>
    private static PosixSignal? CheckpointSignal =>
        OperatingSystem.IsLinux() ? (PosixSignal)10 : OperatingSystem.IsMacOS() ? (PosixSignal)30 : null;

    /// <summary>From now on there is a run, which signals end in good order.</summary>
    /// <param name="requestCheckpoint">Asks it for a checkpoint after the current step.</param>
    public void Begin(Action requestCheckpoint) => Volatile.Write(ref _requestCheckpoint, requestCheckpoint);

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
            registration.Dispose();
        _stop.Dispose();
    }

    /// <summary>Handles a request to end; internal so that tests need not kill themselves.</summary>
    /// <returns>Whether the process goes on for now.</returns>
    internal bool Stop()
    {
        if (_stop.IsCancellationRequested)
            return false;
        _stop.Cancel();
        if (Volatile.Read(ref _requestCheckpoint) is not null)
        {
            _note("Stopping after this step, with a checkpoint; once more stops at once.");
            return true;
        }
        _note("Stopped before the first step.");
        _exit(ExitCode.Done);
        return true;
    }

    internal bool Checkpoint()
    {
        Volatile.Read(ref _requestCheckpoint)?.Invoke();
        return true;
    }

    private void Register(PosixSignal signal, Func<bool> handle) =>
        _registrations.Add(PosixSignalRegistration.Create(signal, context => context.Cancel = handle()));
}
