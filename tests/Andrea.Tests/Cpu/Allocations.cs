namespace Andrea.Tests.Cpu;

internal static class Allocations
{
    /// <summary>Fails when <paramref name="operation"/> allocates managed memory once it has run before.</summary>
    public static void AssertNone(Action operation)
    {
        operation();
        operation();
        long before = GC.GetAllocatedBytesForCurrentThread();
        operation();
        operation();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
