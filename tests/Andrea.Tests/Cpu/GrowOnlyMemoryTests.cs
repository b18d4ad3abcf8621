using Andrea.Cpu;

namespace Andrea.Tests.Cpu;

public class GrowOnlyMemoryTests
{
    [Fact]
    public unsafe void Take_SmallerThanBefore_IsTheSameMemory()
    {
        using var memory = new GrowOnlyMemory();
        float* large = memory.Take(100);
        Assert.Equal((nint)large, (nint)memory.Take(10));
    }

    [Fact]
    public unsafe void Take_AfterMoreThanThereIs_GivesMemoryAgain()
    {
        using var memory = new GrowOnlyMemory();
        memory.Take(100);
        Assert.Throws<OutOfMemoryException>(() => memory.Take(1L << 60));
        float* small = memory.Take(10);
        small[9] = 1;
        Assert.Equal(1, small[9]);
    }
}
