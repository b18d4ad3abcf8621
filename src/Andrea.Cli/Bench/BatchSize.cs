using System.Diagnostics;
using Andrea.Backends;

namespace Andrea.Cli.Bench;

/// <summary>How many runs in a row are measured as one.</summary>
/// <remarks>The CPU's work is done when the call returns. On a GPU a wait costs some ten microseconds, as much as a small kernel takes; spread
/// over many runs it disappears, and what remains is what a training loop sees, which does not wait either. Where launching takes longer
/// than the work launched, launching is what is measured.</remarks>
internal static class BatchSize
{
    private const int Largest = 1000;
    private static readonly TimeSpan Time = TimeSpan.FromMilliseconds(20);

    /// <param name="backend">Where the work runs.</param>
    /// <param name="run">Enqueues the work; has been warmed up.</param>
    public static int For(IBackend backend, Action run)
    {
        if (backend.Name != "cuda")
            return 1;
        long started = Stopwatch.GetTimestamp();
        run();
        backend.Synchronize();
        return (int)Math.Clamp(Time / Stopwatch.GetElapsedTime(started), 1, Largest);
    }
}
