using Andrea.Cli.Training;
using Andrea.Monitoring;
using Andrea.Tests.Training.Checkpoints;
using Andrea.Training;
using Andrea.Training.Checkpoints;

namespace Andrea.Tests.Cli;

/// <summary>What is advised where several checkpoints could be gone back to.</summary>
public sealed class HaltReportTests : IDisposable
{
    private readonly CheckpointFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public void Checkpoint_ToGoBackTo_IsTheLatestFiniteOneBeforeTheLowScores()
    {
        string run = _fixture.PathOf("run");
        CheckpointTensors tensors = _fixture.Tensors();
        var store = new CheckpointStore(RunFolder.CheckpointsOf(run), keepLast: 9);
        foreach ((long step, int low) in new (long, int)[] { (10, 0), (20, 0), (30, 1) })
            store.Save(CheckpointFixture.State(step) with { LowInARow = low }, tensors);
        // As a run leaves it that was killed before it could tidy up.
        CheckpointFixture.Fill(tensors.SecondMoments, _ => float.NaN);
        Assert.False(store.Save(CheckpointFixture.State(40), tensors).State!.Finite);

        string report = HaltReport.Of(
            new TrainingSummary { Reason = StopReason.Incoherent, Step = 50, TrainingLoss = 1, SkippedSteps = 0, CheckpointPath = "latest" }, run,
            new CoherenceRecord(50, default, LowInARow: 7, "the the"));
        Assert.StartsWith("Halted at step 50: the model wrote mere repetitions 7 times in a row; the checkpoint is kept in latest. Go back to", report, StringComparison.Ordinal);
        Assert.Contains("step-000020", report, StringComparison.Ordinal);
    }
}
