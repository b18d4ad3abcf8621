using System.Runtime.InteropServices;

namespace Andrea.Cli.Training;

/// <summary>What signals do to a run: SIGTERM and Ctrl-C end it after a checkpoint, SIGUSR1 has it write one and go on.</summary>
/// <remarks>A second Ctrl-C ends the process at once, as it would have without Andrea.</remarks>
internal sealed class RunSignals : IDisposable
{
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Action _requestCheckpoint;
    private readonly Action<string> _note;

    /// <param name="requestCheckpoint">Asks the run for a checkpoint after the current step.</param>
    /// <param name="note">Tells the user.</param>
    public RunSignals(Action requestCheckpoint, Action<string> note)
    {
        _requestCheckpoint = requestCheckpoint;
        _note = note;
        Register(PosixSignal.SIGTERM, Stop);
        Register(PosixSignal.SIGINT, Stop);
        if (CheckpointSignal is { } signal)
            Register(signal, Checkpoint);
    }

    /// <summary>Cancelled when the run is to end.</summary>
    public CancellationToken Stopping => _stop.Token;

    /// <summary>SIGUSR1 by its raw number, since .NET has no name for it; null where there is no such signal.</summary>
    private static PosixSignal? CheckpointSignal =>
        OperatingSystem.IsLinux() ? (PosixSignal)10 : OperatingSystem.IsMacOS() ? (PosixSignal)30 : null;

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
        _note("Stopping after this step, with a checkpoint; once more stops at once.");
        _stop.Cancel();
        return true;
    }

    internal bool Checkpoint()
    {
        _requestCheckpoint();
        return true;
    }

    private void Register(PosixSignal signal, Func<bool> handle) =>
        _registrations.Add(PosixSignalRegistration.Create(signal, context => context.Cancel = handle()));
}
