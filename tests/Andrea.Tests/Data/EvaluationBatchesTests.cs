using Andrea.Data;
using Andrea.Tests.Cpu;

namespace Andrea.Tests.Data;

public class EvaluationBatchesTests
{
    [Fact]
    public void Fill_AllBatches_HaveEveryTokenButTheFirstAsTarget()
    {
        for (int context = 1; context <= 7; context++)
        {
            for (int batchSize = 1; batchSize <= 4; batchSize++)
            {
                for (int length = context + 1; length <= 60; length++)
                {
                    var batches = new EvaluationBatches(BatchSamplerTests.Counting(length), batchSize, context);
                    var targets = new SortedSet<int>();
                    for (int index = 0; index < batches.Count; index++)
                        targets.UnionWith(Fill(batches, index, batchSize, context).Targets);
                    Assert.Equal(Enumerable.Range(1, length - 1), targets);
                    // Not more batches than that takes.
                    Assert.True((batches.Count - 1) * batchSize * context < length - 1);
                }
            }
        }
    }

    [Fact]
    public void Fill_FewBatches_AreSpreadFromEndToEnd()
    {
        var batches = new EvaluationBatches(BatchSamplerTests.Counting(1000), batchSize: 2, contextLength: 10, maximumCount: 5);
        Assert.Equal(5, batches.Count);
        long[] offsets = [.. Enumerable.Range(0, 10).Select(window => batches.OffsetOf(window))];
        Assert.Equal(0, offsets[0]);
        Assert.Equal(1000 - 11, offsets[^1]);
        for (int i = 1; i < offsets.Length; i++)
            Assert.InRange(offsets[i] - offsets[i - 1], 109, 110);
    }

    [Fact]
    public void Fill_Window_HasItsShiftedTargets()
    {
        var batches = new EvaluationBatches(BatchSamplerTests.Counting(100), batchSize: 3, contextLength: 8);
        (int[] inputs, int[] targets) = Fill(batches, 1, 3, 8);
        Assert.Equal(inputs.Select(token => token + 1), targets);
        Assert.Equal([.. Enumerable.Range(0, 3).SelectMany(row => Enumerable.Range((int)batches.OffsetOf(3 + row), 8))], inputs);
    }

    [Fact]
    public void Fill_OneWindowInOneBatch_IsThatWindow()
    {
        var batches = new EvaluationBatches(BatchSamplerTests.Counting(9), batchSize: 1, contextLength: 8);
        Assert.Equal(1, batches.Count);
        Assert.Equal(Enumerable.Range(0, 8), Fill(batches, 0, 1, 8).Inputs);
    }

    [Fact]
    public void Fill_Repeated_AllocatesNothing()
    {
        var batches = new EvaluationBatches(BatchSamplerTests.Counting(1000), 8, 16);
        var inputs = new int[8 * 16];
        var targets = new int[8 * 16];
        Allocations.AssertNone(() =>
        {
            for (int index = 0; index < batches.Count; index++)
                batches.Fill(index, inputs, targets);
        });
    }

    [Fact]
    public void Arguments_Senseless_AreRefused()
    {
        TokenSequence tokens = BatchSamplerTests.Counting(100);
        Assert.Throws<ArgumentOutOfRangeException>("maximumCount", () => new EvaluationBatches(tokens, 1, 16, 0));
        var batches = new EvaluationBatches(tokens, 2, 16);
        Assert.Throws<ArgumentOutOfRangeException>("index", () => batches.Fill(batches.Count, new int[32], new int[32]));
        Assert.Throws<ArgumentOutOfRangeException>("index", () => batches.Fill(-1, new int[32], new int[32]));
        Assert.Throws<ArgumentException>(() => batches.Fill(0, new int[31], new int[32]));
    }

    private static (int[] Inputs, int[] Targets) Fill(EvaluationBatches batches, int index, int batchSize, int contextLength)
    {
        var inputs = new int[batchSize * contextLength];
        var targets = new int[inputs.Length];
        batches.Fill(index, inputs, targets);
        return (inputs, targets);
    }
}
