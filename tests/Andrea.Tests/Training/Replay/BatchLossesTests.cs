using Andrea.Training;
using Andrea.Training.Replay;

namespace Andrea.Tests.Training.Replay;

/// <summary>What batches are measured as, against the run's own steps.</summary>
public sealed class BatchLossesTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Batch_UnderTheParametersBefore_HasTheBitsOfTheStep(bool zeroSum)
    {
        // On the reference device, so that its measurement has the same bits as well.
        using Device device = Device.Reference();
        using Trainer trainer = SmallRun.Create(device, SmallRun.Options with { ZeroSumGradient = zeroSum, MicroBatches = 2 });
        var log = new RecordLog();
        trainer.Observe(log);
        for (int i = 0; i < 5; i++)
            trainer.TrainStepAndWait();
        BatchDraw before = trainer.LatestDraw;
        using var losses = new BatchLosses(device, trainer);
        trainer.TrainStepAndWait();
        (double loss, double norm) = (log.Steps[^1].Loss, log.Steps[^1].Clip.NormBefore);
        Assert.Equal((loss, norm), losses.OnReference(trainer.LatestDraw));
        // The batch that follows is the one that the next step took.
        Assert.Equal(norm, losses.NormsAfter(before)[0]);
        Assert.Equal(loss, losses.RowsAfter(before)[..(2 * trainer.Options.BatchSize)].Average(), 1e-6);
    }
}
