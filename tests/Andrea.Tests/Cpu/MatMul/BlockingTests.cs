using Andrea.Cpu.MatMul;

namespace Andrea.Tests.Cpu.MatMul;

public class BlockingTests
{
    /// <summary>Output sizes and depths of a GPT's products: forward, input and weight gradients of small and large batches.</summary>
    public static TheoryData<int, int, int> Shapes => new()
    {
        { 768, 512, 128 }, { 768, 128, 512 }, { 1024, 1536, 384 }, { 1024, 384, 1536 }, { 384, 384, 1024 }, { 384, 1536, 1024 },
        { 256, 768, 768 }, { 256, 3072, 768 }, { 768, 768, 256 }, { 256, 50257, 768 }, { 50257, 768, 256 },
    };

    [Theory, MemberData(nameof(Shapes))]
    public void PrivateBlocks_TogetherAreAllPanelsTimesAllSharedOnes(int rows, int columns, int depth)
    {
        foreach (int threads in (int[])[1, 2, 3, 4, 6, 8, 64])
        {
            var blocking = new Blocking(rows, columns, depth, rowWidth: 12, columnWidth: 32, threads);
            long panel = 0;
            int slice = 0;
            for (int i = 0; i < blocking.PrivateBlocks; i++)
            {
                (long first, int count, int thisSlice, int slices) = blocking.PrivateBlock(i);
                Assert.Equal(panel, first);
                if (count == 0)
                    continue;
                Assert.InRange(count, 1, blocking.LargestPrivateBlock);
                Assert.Equal(slice, thisSlice);
                Assert.InRange(slices, 1, blocking.SharedPanels);
                slice = (slice + 1) % slices;
                panel += slice == 0 ? count : 0;
            }
            Assert.Equal(blocking.PrivatePanels, panel);
        }
    }

    [Theory, MemberData(nameof(Shapes))]
    public void PrivateBlocks_OwnSegmentFirstThenTheOthers_LeaveThreadsLittleToWaitFor(int rows, int columns, int depth)
    {
        foreach (int threads in (int[])[1, 2, 3, 4, 6, 8])
        {
            var blocking = new Blocking(rows, columns, depth, rowWidth: 12, columnWidth: 32, threads);
            var work = new double[threads];
            int segmentBlocks = blocking.PrivateBlocks / threads;
            var next = new int[threads];
            while (Array.Exists(next, n => n < segmentBlocks))
            {
                // Whoever has done least takes the next block: of its own segment, or of the one after it that has some left.
                int thread = Array.IndexOf(work, work.Min());
                int segment = thread;
                while (next[segment] == segmentBlocks)
                    segment = (segment + 1) % threads;
                (_, int count, _, int slices) = blocking.PrivateBlock(segment * segmentBlocks + next[segment]++);
                work[thread] += (double)count / slices;
            }
            double balance = blocking.PrivatePanels / (threads * work.Max());
            Assert.True(balance > 0.9, $"{rows} x {columns} x {depth} by blocks of {blocking.LargestPrivateBlock} at most: {threads} threads work {balance:p0} of their time.");
        }
    }
}
