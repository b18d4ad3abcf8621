namespace Andrea.Backends;

/// <summary>A recording on a device that does its work at once: the work, done again at every launch.</summary>
internal sealed class RepeatedWork(Action work) : IRecording
{
    public void Launch() => work();

    public void Dispose()
    {
    }
}
