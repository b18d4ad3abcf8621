using Andrea.Data;
using Andrea.Training;
using Andrea.Training.Checkpoints;

namespace Andrea.Tests.Training;

/// <summary>The trainer's batches: where a run stands in its data, and what can be drawn again.</summary>
public class BatchStreamTests
{
    private const int Context = 16;

    private static readonly TrainerOptions Options = SmallRun.Options with { BatchSize = 3, MicroBatches = 2 };

    [Fact]
    public void Next_OneSource_DealsTheSamplersWindowsInARow()
    {
        BatchStream stream = Create();
        var sampler = new BatchSampler(SmallRun.Data.Training, 3, Context, Options.Seed);
        for (int position = 0; position < 8; position += 2)
        {
            BatchDraw draw = stream.Next();
            stream.Report(1);
            for (int micro = 0; micro < 2; micro++)
                Assert.Equal(Windows(sampler, position + micro), Windows(stream, draw, micro));
        }
    }

    [Fact]
    public void Again_OldDraw_GivesTheSameTokensAndLeavesThePlace()
    {
        BatchStream stream = Create(), straight = Create();
        BatchDraw first = stream.Next();
        int[] tokens = Windows(stream, first, 1);
        stream.Next();
        stream.Report(1);
        Assert.Equal(first, stream.Again(first));
        Assert.Equal(tokens, Windows(stream, first, 1));
        straight.Skip();
        straight.Skip();
        Assert.Equal(straight.Next(), Create(stream.Save()).Next());
    }

    [Fact]
    public void Report_StepsUnderWay_TellsWhatEachHadDrawnInOrder()
    {
        BatchStream stream = Create();
        BatchDraw[] draws = [stream.Next(), stream.Next()];
        Assert.Throws<InvalidOperationException>(() => stream.Next());
        Assert.Equal((draws[0], draws[1]), (stream.Report(1), stream.Report(double.NaN)));
        Assert.Throws<InvalidOperationException>(() => stream.Report(1));
    }

    private static BatchStream Create(DataProgress? progress = null)
    {
        var stream = new BatchStream(SmallRun.Data, Options, Context, capacity: 2);
        if (progress is not null)
            stream.Restore(progress);
        return stream;
    }

    private static int[] Windows(BatchSampler sampler, long position)
    {
        int[] inputs = new int[3 * Context], targets = new int[3 * Context];
        sampler.Fill(position, inputs, targets);
        return [.. inputs, .. targets];
    }

    private static int[] Windows(BatchStream stream, in BatchDraw draw, int micro)
    {
        int[] inputs = new int[3 * Context], targets = new int[3 * Context];
        stream.Fill(draw, micro, inputs, targets);
        return [.. inputs, .. targets];
    }
}
