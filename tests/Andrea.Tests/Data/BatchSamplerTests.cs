using Andrea.Data;
using Andrea.Tests.Cpu;

namespace Andrea.Tests.Data;

public class BatchSamplerTests
{
    public static TheoryData<BatchOrder> Orders => [BatchOrder.Random, BatchOrder.ShuffledEpochs];

    [Theory]
    [MemberData(nameof(Orders))]
    public void Fill_AnyPosition_GivesWindowsAndTheirShiftedTargets(BatchOrder order)
    {
        var sampler = new BatchSampler(Counting(1000), batchSize: 5, contextLength: 16, seed: 1, order);
        for (long position = 0; position < 50; position++)
        {
            (int[] inputs, int[] targets) = Fill(sampler, position);
            for (int row = 0; row < 5; row++)
            {
                int first = inputs[row * 16];
                Assert.Equal(sampler.OffsetOf(position * 5 + row), first);
                Assert.Equal(Enumerable.Range(first, 16), inputs.AsSpan(row * 16, 16).ToArray());
                Assert.Equal(Enumerable.Range(first + 1, 16), targets.AsSpan(row * 16, 16).ToArray());
            }
        }
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public void Fill_PositionsInAnyOrder_GivesTheSameBatches(BatchOrder order)
    {
        TokenSequence tokens = Counting(5000);
        int[][] straight = [.. Enumerable.Range(0, 200).Select(position => Fill(new BatchSampler(tokens, 3, 32, 7, order), position).Inputs)];
        var sampler = new BatchSampler(tokens, 3, 32, 7, order);
        foreach (int position in Enumerable.Range(0, 200).OrderBy(position => position * 73 % 200).Append(3))
            Assert.Equal(straight[position], Fill(sampler, position).Inputs);
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public void Fill_OtherBatchSize_GivesTheSameWindows(BatchOrder order)
    {
        TokenSequence tokens = Counting(5000);
        var large = new BatchSampler(tokens, 6, 32, 7, order);
        var small = new BatchSampler(tokens, 2, 32, 7, order);
        for (int position = 0; position < 60; position++)
        {
            int[] parts = [.. Enumerable.Range(3 * position, 3).SelectMany(part => Fill(small, part).Inputs)];
            Assert.Equal(Fill(large, position).Inputs, parts);
        }
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public void Fill_OtherSeed_GivesOtherBatches(BatchOrder order)
    {
        TokenSequence tokens = Counting(5000);
        Assert.NotEqual(Fill(new BatchSampler(tokens, 8, 32, 1, order), 0).Inputs, Fill(new BatchSampler(tokens, 8, 32, 2, order), 0).Inputs);
    }

    [Fact]
    public void Offsets_OfAFixedSeed_NeverChange()
    {
        // Numbers of a second implementation, in Python. A change here breaks the bit-exact resume of every saved run.
        TokenSequence tokens = Counting(100_000);
        var random = new BatchSampler(tokens, 1, 64, seed: 1337);
        var shuffled = new BatchSampler(tokens, 1, 64, seed: 1337, BatchOrder.ShuffledEpochs);
        Assert.Equal([45236, 48697, 60841, 67188], [.. new long[] { 0, 1, 2, 3 }.Select(random.OffsetOf)]);
        Assert.Equal([81739, 9995, 24779, 27595, 82375, 90823], [.. new long[] { 0, 1, 2, 1560, 1561, 1562 }.Select(shuffled.OffsetOf)]);
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public void Fill_OneWindowOnly_IsAlwaysThatWindow(BatchOrder order)
    {
        var sampler = new BatchSampler(Counting(17), batchSize: 4, contextLength: 16, seed: 5, order);
        for (long position = 0; position < 20; position++)
        {
            (int[] inputs, int[] targets) = Fill(sampler, position);
            Assert.Equal([.. Enumerable.Range(0, 16), .. Enumerable.Range(0, 16), .. Enumerable.Range(0, 16), .. Enumerable.Range(0, 16)], inputs);
            Assert.Equal(inputs.Select(token => token + 1), targets);
        }
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public void Offsets_ShortTexts_ReachBothEndsAndNothingBeyond(BatchOrder order)
    {
        for (int context = 1; context <= 5; context++)
        {
            for (int length = context + 1; length <= 4 * context + 3; length++)
            {
                var sampler = new BatchSampler(Counting(length), 1, context, seed: 3, order);
                var offsets = new SortedSet<long>(Enumerable.Range(0, 2000).Select(window => sampler.OffsetOf(window)));
                Assert.Equal(Enumerable.Range(0, length - context).Select(offset => (long)offset), offsets);
            }
        }
    }

    [Fact]
    public void Random_ManyWindows_AreSpreadEvenly()
    {
        const int Count = 100_000, Bins = 100;
        var sampler = new BatchSampler(Counting(1064), 1, 64, seed: 11);
        var bins = new int[Bins];
        for (long window = 0; window < Count; window++)
            bins[sampler.OffsetOf(window) / 10]++;
        AssertUniform(bins, Count);
    }

    [Theory]
    [InlineData(17, 16)]
    [InlineData(1000, 16)]
    [InlineData(1001, 10)]
    [InlineData(4097, 1)]
    public void ShuffledEpochs_EachEpoch_VisitsEveryWindowOnce(int length, int context)
    {
        var sampler = new BatchSampler(Counting(length), 1, context, seed: 3, BatchOrder.ShuffledEpochs);
        long windows = sampler.WindowsPerEpoch;
        Assert.True(length - 1 - windows * context < 2 * context);
        var orders = new HashSet<string>();
        for (long epoch = 0; epoch < 5; epoch++)
        {
            long[] offsets = [.. Enumerable.Range(0, (int)windows).Select(place => sampler.OffsetOf(epoch * windows + place))];
            orders.Add(string.Join(' ', offsets));
            Array.Sort(offsets);
            Assert.Equal(Enumerable.Range(0, (int)windows).Select(window => offsets[0] + (long)window * context), offsets);
        }
        Assert.Equal(windows == 1 ? 1 : 5, orders.Count);
    }

    [Fact]
    public void ShuffledEpochs_ManyEpochs_CutAtEveryPlace()
    {
        var sampler = new BatchSampler(Counting(1000), 1, 16, seed: 3, BatchOrder.ShuffledEpochs);
        var cuts = new HashSet<long>(Enumerable.Range(0, 200).Select(epoch => sampler.OffsetOf(epoch * sampler.WindowsPerEpoch) % 16));
        Assert.Equal(16, cuts.Count);
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public void Fill_Repeated_AllocatesNothing(BatchOrder order)
    {
        var sampler = new BatchSampler(Counting(10_000), 8, 64, seed: 3, order);
        var inputs = new int[8 * 64];
        var targets = new int[8 * 64];
        long position = 0;
        Allocations.AssertNone(() =>
        {
            for (int i = 0; i < 100; i++)
                sampler.Fill(position++, inputs, targets);
        });
    }

    [Theory]
    [InlineData(16)]
    [InlineData(1)]
    public void TextNotLongerThanTheContext_IsRefusedWithTheNumbers(int length)
    {
        var exception = Assert.Throws<TrainingDataException>(() => new BatchSampler(Counting(length), 4, 16, seed: 1));
        Assert.Equal(
            $"The training part of the data has {length} tokens, but a context of 16 takes at least 17; "
            + "give more text, a shorter context, or another validation fraction.",
            exception.Message);
    }

    [Fact]
    public void ValidationNotLongerThanTheContext_IsRefusedWithTheNumbers()
    {
        TokenDataset dataset = TokenDataset.FromText("A short text of some forty characters...", "byte");
        var exception = Assert.Throws<TrainingDataException>(() => new EvaluationBatches(dataset.Validation, 4, 16));
        Assert.StartsWith(
            "The validation part of the data has 5 tokens, but a context of 16 takes at least 17;", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Arguments_Senseless_AreRefused()
    {
        TokenSequence tokens = Counting(100);
        Assert.Throws<ArgumentOutOfRangeException>("batchSize", () => new BatchSampler(tokens, 0, 16, 1));
        Assert.Throws<ArgumentOutOfRangeException>("contextLength", () => new BatchSampler(tokens, 1, 0, 1));
        Assert.Throws<ArgumentOutOfRangeException>("batchSize", () => new BatchSampler(tokens, 1 << 28, 16, 1));
        var sampler = new BatchSampler(tokens, 2, 16, 1);
        Assert.Throws<ArgumentOutOfRangeException>("position", () => sampler.Fill(-1, new int[32], new int[32]));
        Assert.Throws<OverflowException>(() => sampler.Fill(long.MaxValue, new int[32], new int[32]));
        var exception = Assert.Throws<ArgumentException>(() => sampler.Fill(0, new int[32], new int[31]));
        Assert.Equal("Inputs have 32 and targets 31 elements; expected 2 x 16 = 32 each.", exception.Message);
        Assert.Throws<ArgumentException>(() => sampler.Fill(0, new int[33], new int[32]));
    }

    internal static TokenSequence Counting(int length) =>
        TokenDataset.FromTokens([.. Enumerable.Range(0, length)], [], WideTokenizer.Instance).Training;

    internal static void AssertUniform(ReadOnlySpan<int> bins, int count)
    {
        double expected = (double)count / bins.Length, chiSquare = 0;
        foreach (int bin in bins)
            chiSquare += (bin - expected) * (bin - expected) / expected;
        // Mean and standard deviation of chi-square are k and sqrt(2k), k = bins - 1; 6 deviations are never seen by chance.
        double freedom = bins.Length - 1;
        Assert.InRange(chiSquare, freedom - 6 * Math.Sqrt(2 * freedom), freedom + 6 * Math.Sqrt(2 * freedom));
    }

    private static (int[] Inputs, int[] Targets) Fill(BatchSampler sampler, long position)
    {
        var inputs = new int[sampler.BatchSize * sampler.ContextLength];
        var targets = new int[inputs.Length];
        sampler.Fill(position, inputs, targets);
        return (inputs, targets);
    }
}
