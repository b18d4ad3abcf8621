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
    public void PrivateBlocks_TakenInTurn_LeaveThreadsLittleToWaitFor(int rows, int columns, int depth)
    {
        foreach (int threads in (int[])[1, 2, 3, 4, 6, 8])
        {
            var blocking = new Blocking(rows, columns, depth, rowWidth: 12, columnWidth: 32, threads);
            var work = new long[threads];
            long panel = 0;
            for (int i = 0; i < blocking.PrivateBlocks; i++)
            {
                (long first, int count) = blocking.PrivateBlock(i);
                Assert.Equal(panel, first);
                Assert.InRange(count, 1, blocking.LargestPrivateBlock);
                panel += count;
                // Whoever has done least takes the next block.
                int next = Array.IndexOf(work, work.Min());
                work[next] += count;
            }
            Assert.Equal(blocking.PrivatePanels, panel);
            double balance = (double)blocking.PrivatePanels / (threads * work.Max());
            Assert.True(balance > 0.85, $"{rows} x {columns} x {depth} by blocks of {blocking.LargestPrivateBlock} at most: {threads} threads work {balance:p0} of their time.");
        }
    }
}
