namespace Andrea.Tests.Cpu;

internal static class Allocations
{
    private const int Attempts = 8;

    /// <summary>Fails when <paramref name="operation"/> keeps allocating managed memory on the calling thread.</summary>
    /// <remarks>The runtime allocates a little of its own now and then, for a lock's wait queue or a type it loads; never every time.</remarks>
    public static void AssertNone(Action operation)
    {
        operation();
        long least = long.MaxValue;
        for (int attempt = 0; attempt < Attempts && least > 0; attempt++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            operation();
            operation();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        Assert.Equal(0, least);
    }

    /// <summary>Managed bytes that all threads of this process allocate while <paramref name="operation"/> runs: the least of a few times. For a child
    /// process, where nothing else runs, and an operation that has been done before.</summary>
    public static long OfAllThreads(Action operation)
    {
        const int attempts = 4;
        long least = long.MaxValue;
        for (int attempt = 0; attempt < attempts && least > 0; attempt++)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            operation();
            least = Math.Min(least, GC.GetTotalAllocatedBytes(precise: true) - before);
        }
        return least;
    }
}
