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
}
