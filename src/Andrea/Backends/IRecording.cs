namespace Andrea.Backends;

/// <summary>Operations that were recorded once, to be enqueued as one any number of times, on the memory that they were recorded with.</summary>
internal interface IRecording : IDisposable
{
    /// <summary>Enqueues everything recorded, in order with the operations before and after.</summary>
    void Launch();
}
