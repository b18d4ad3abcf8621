using System.Runtime.InteropServices;

namespace Andrea.Cli.Lab.Runs;

/// <summary>Ctrl-C and SIGTERM end an experiment with what is there; the second time they end the process.</summary>
internal sealed class LabSignals : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly PosixSignalRegistration[] _registrations;

    public LabSignals() => _registrations = [On(PosixSignal.SIGINT), On(PosixSignal.SIGTERM), On(PosixSignal.SIGHUP)];

    /// <summary>Cancelled when the experiment is to end.</summary>
    public CancellationToken Stopping => _stop.Token;

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
            registration.Dispose();
        _stop.Dispose();
    }

    private PosixSignalRegistration On(PosixSignal signal) => PosixSignalRegistration.Create(signal, context =>
    {
        context.Cancel = !_stop.IsCancellationRequested;
        _stop.Cancel();
    });
}
