using Andrea.Cuda.Handles;

namespace Andrea.Cuda;

/// <summary>A queue of work on a GPU: one of our own, or one that belongs to somebody else.</summary>
internal sealed class CudaStream : IDisposable
{
    private readonly ContextHandle _context;
    private readonly StreamHandle? _owned;
    private readonly nint _borrowed;
    private bool _recording;

    /// <summary>The default streams' values; 0 stands for the legacy one, too.</summary>
    public const nint LegacyDefault = 1, PerThreadDefault = 2;

    /// <summary>Makes a stream.</summary>
    public CudaStream(ContextHandle context)
    {
        _context = context;
        _owned = new StreamHandle(context);
    }

    /// <summary>Uses a stream of another library, or a default one: 0 or 1 is the legacy default stream, 2 the thread's own.</summary>
    /// <param name="context">The context that the stream belongs to.</param>
    /// <param name="stream">The driver's value; not owned.</param>
    public CudaStream(ContextHandle context, nint stream)
    {
        _context = context;
        _borrowed = stream;
    }

    public ContextHandle Context => _context;

    /// <summary>The driver's value.</summary>
    public nint Value => _owned?.Value ?? _borrowed;

    /// <summary>Whether what is enqueued is being recorded instead of done: by <see cref="Record"/>, or by the owner of a borrowed stream.</summary>
    public bool IsRecording => _recording || (_borrowed > LegacyDefault && IsCapturing());

    /// <summary>Whether <see cref="Record"/> works: the legacy default stream cannot be recorded, and a thread's own is left to the thread.</summary>
    public bool CanRecord => _owned is not null || _borrowed > PerThreadDefault;

    /// <summary>Waits until everything enqueued has been done; errors of kernels appear here.</summary>
    public void Synchronize()
    {
        using (_context.Enter())
            _context.Driver.SynchronizeStream(Value);
    }

    /// <summary><see cref="Synchronize"/> for release paths, where an error has been reported already or does not matter any more.</summary>
    public void TrySynchronize()
    {
        try
        {
            Synchronize();
        }
        catch (Exception error) when (error is CudaException or ObjectDisposedException)
        {
            // What is being waited for will not come.
        }
    }

    /// <summary>Runs <paramref name="work"/> once, recording what it enqueues on this stream instead of doing it.</summary>
    /// <returns>The recording, to be launched any number of times.</returns>
    public CudaGraph Record(Action work)
    {
        using (_context.Enter())
        {
            _context.Driver.BeginCapture(Value);
            _recording = true;
            try
            {
                work();
            }
            catch
            {
                AbandonCapture();
                throw;
            }
            finally
            {
                _recording = false;
            }
            return new CudaGraph(this, _context.Driver.EndCapture(Value));
        }
    }

    /// <summary>Gives the stream back if it is ours; work under way goes on to its end.</summary>
    public void Dispose() => _owned?.Dispose();

    private bool IsCapturing()
    {
        using (_context.Enter())
            return _context.Driver.IsCapturing(_borrowed);
    }

    private void AbandonCapture()
    {
        try
        {
            _ = _context.Driver.DestroyGraph(_context.Driver.EndCapture(Value));
        }
        catch (CudaException)
        {
            // The capture was broken already; the work's own exception tells why.
        }
    }
}
