using Andrea.Data;
using Andrea.Numerics;
using Andrea.Reporting;
using Andrea.Tests.Support;
using Andrea.Training;
using Andrea.Training.Checkpoints;
using Andrea.Training.Faults;
using Andrea.Training.Replay;

namespace Andrea.Tests.Training.Replay;

/// <summary>Recorded runs whose steps are made again.</summary>
public sealed class StepReplayTests : IDisposable
{
    private const int Steps = 60;

    private static readonly TrainerOptions Options = SmallRun.Options with
    {
        Steps = Steps, LearningRate = 1e-2, BatchOrder = BatchOrder.ShuffledEpochs, CheckpointEvery = 20, KeepCheckpoints = 5,
    };

    // Every window of the data is trained on after the model has learned the usual ones.
    private static readonly TrainerOptions OverAnEpoch = Options with { Steps = 300, LearningRate = 2e-2, CheckpointEvery = 50 };

    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData(1, 0)]
    [InlineData(19, 0)]
    [InlineData(20, 0)]
    [InlineData(21, 20)]
    [InlineData(60, 40)]
    public void HealthyStep_FromBeginningOrCheckpoint_HasItsBits(long step, long from)
    {
        Train(SmallRun.Data);
        ReplayResult result = Replay(SmallRun.Data, step);
        Assert.Equal((ReplayVerdict.Usual, from, null), (result.Verdict, result.From, result.DifferentStep));
        Assert.Contains($"Step {step} has the recorded bits", result.Sentence, StringComparison.Ordinal);
        Assert.Equal(3, result.WorstRows.Count);
        Assert.Equal(17, result.WorstRows[0].Text.Length);
    }

    [Fact]
    public void MicroBatchesAndGuard_HaveTheirBits()
    {
        Train(SmallRun.Data, Options with { MicroBatches = 2, SpikeGuard = new SpikeGuardOptions { SnapshotEvery = 10 } });
        ReplayResult result = Replay(SmallRun.Data, 45);
        Assert.Equal(ReplayVerdict.Usual, result.Verdict);
        Assert.True(result.WorstRows[0].Loss >= result.RowMedian);
    }

    [Fact]
    public void BadDocument_IsFoundAsData_WithItsText()
    {
        TokenDataset data = WithBadDocument();
        Train(data, OverAnEpoch);
        ReplayResult result = Replay(data, HighestLoss(from: 130));
        Assert.True(result.Verdict == ReplayVerdict.Data, $"{result.Verdict}, loss score {result.LossScore}, others {result.OtherLoss}: {result.Sentence}");
        Assert.Contains("the spike is in the data", result.Sentence, StringComparison.Ordinal);
        Assert.True(result.WorstRows[0].ZScore > 6);
        Assert.Contains(result.WorstRows[0].Text, letter => letter is '#' or '@' or '%' or '&');
        Assert.True(result.OtherLoss < result.Recomputed.Loss);
        Assert.Contains(result.Tensors, tensor => tensor.ZScore > 3);
    }

    [Fact]
    public void BadDocument_OnTheReference_IsStillTheData()
    {
        TokenDataset data = WithBadDocument();
        Train(data, OverAnEpoch);
        ReplayResult result = Replay(data, HighestLoss(from: 130), onReference: true);
        Assert.Equal(ReplayVerdict.Data, result.Verdict);
        Assert.Equal(result.Recomputed.Loss, result.Reference!.Value.Loss, 1e-4);
        Assert.Equal(result.Recomputed.Norm, result.Reference.Value.Norm, 1e-3);
    }

    [Fact]
    public void SpoiledParameters_InTheCheckpoint_AreFoundAsParameters()
    {
        // The checkpoint of step 40 holds the spoiled parameters, so from there on the bits are the same.
        Train(SmallRun.Data, faults: new Fault(FaultKind.ParameterScale, 40, 40, 6));
        ReplayResult result = Replay(SmallRun.Data, 41);
        Assert.Equal(ReplayVerdict.Parameters, result.Verdict);
        Assert.Contains("look at earlier steps", result.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void ParametersBeyondFloat32_InTheCheckpoint_AreFoundAsNumerics()
    {
        // Scores of attention overflow in float32, not in double.
        Train(SmallRun.Data, faults: new Fault(FaultKind.ParameterScale, 40, 40, 1e12));
        ReplayResult result = Replay(SmallRun.Data, 41, onReference: true);
        Assert.Equal(ReplayVerdict.Numerics, result.Verdict);
        Assert.True(double.IsNaN(result.Recomputed.Loss) && double.IsFinite(result.Reference!.Value.Loss), result.Sentence);
        Assert.Contains("in the numerics of float32", result.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void LargeParameters_OnTheReference_AreNoFaultOfNumerics()
    {
        // Scores of 1e7, whose logarithms of sums no float holds to less than 0.5.
        Train(SmallRun.Data, faults: new Fault(FaultKind.ParameterScale, 40, 40, 1000));
        ReplayResult result = Replay(SmallRun.Data, 41, onReference: true);
        Assert.Equal(ReplayVerdict.Parameters, result.Verdict);
        Assert.Equal(result.Recomputed.Norm, result.Reference!.Value.Norm, 1e-3 * result.Recomputed.Norm);
    }

    [Fact]
    public void FlippedBit_IsFoundAsHardware_AtItsStep()
    {
        Train(SmallRun.Data, faults: new Fault(FaultKind.FlippedBit, 33, 33, 29));
        ReplayResult result = Replay(SmallRun.Data, 38);
        Assert.Equal((ReplayVerdict.Hardware, 33L, 20L), (result.Verdict, result.DifferentStep, result.From));
        Assert.Contains("Step 33 does not have the bits that were recorded", result.Sentence, StringComparison.Ordinal);
        Assert.Equal(ReplayVerdict.Usual, Replay(SmallRun.Data, 32).Verdict);
    }

    [Fact]
    public void OtherDevice_IsSaidToBeTheReason()
    {
        Train(SmallRun.Data);
        using Device reference = Device.Reference();
        ReplayResult result = StepReplay.Run(reference, _folder["run"], 3, _ => SmallRun.Data);
        Assert.Equal(ReplayVerdict.Hardware, result.Verdict);
        Assert.Contains("recorded on another device", result.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void OtherData_IsRefused()
    {
        Train(SmallRun.Data);
        Assert.Throws<TrainingDataException>(() => Replay(WithBadDocument(), 10));
    }

    [Fact]
    public void UnrecordedStep_NamesTheLastOne()
    {
        Train(SmallRun.Data);
        Assert.Contains("whose last is 60", Assert.Throws<ArgumentOutOfRangeException>(() => Replay(SmallRun.Data, 61)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FolderWithoutCheckpoint_SaysSo()
    {
        Train(SmallRun.Data);
        Directory.Delete(RunFolder.CheckpointsOf(_folder["run"]), recursive: true);
        Assert.Contains("has no checkpoint", Assert.Throws<CheckpointException>(() => Replay(SmallRun.Data, 5)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void FolderWithoutRecords_SaysSo()
    {
        Train(SmallRun.Data);
        File.Delete(RunFolder.MetricsOf(_folder["run"]));
        Assert.StartsWith("No step is recorded in ", Assert.Throws<CheckpointException>(() => Replay(SmallRun.Data, 5)).Message, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>Mostly one sentence, with 60 characters of noise somewhere.</summary>
    private static TokenDataset WithBadDocument()
    {
        string usual = string.Concat(Enumerable.Repeat("how vexingly quick daft zebras jump. ", 440));
        var random = new Philox(1);
        string noise = string.Concat(Enumerable.Range(0, 60).Select(_ => "#@%&"[random.NextInt32(4)]));
        return TokenDataset.FromText(usual[..2000] + noise + usual[2000..], "char");
    }

    private void Train(TokenDataset data, TrainerOptions? options = null, params Fault[] faults)
    {
        using Device device = Device.Cpu(1);
        using var trainer = new Trainer(device, SmallRun.Config, data, (options ?? Options) with { RunFolder = _folder["run"] });
        trainer.Faults = new FaultPlan(1, faults);
        trainer.RunAsync(TestContext.Current.CancellationToken).GetAwaiter().GetResult();
    }

    private ReplayResult Replay(TokenDataset data, long step, bool onReference = false)
    {
        using Device device = Device.Cpu(2);
        return StepReplay.Run(device, _folder["run"], step, _ => data, onReference);
    }

    private Dictionary<long, double> RunLosses()
    {
        var losses = new Dictionary<long, double>();
        JsonLines.Read(RunFolder.MetricsOf(_folder["run"]), (step, record) =>
        {
            if (record.Number("loss") is { } loss)
                losses[step] = loss;
        });
        return losses;
    }

    private long HighestLoss(long from) => RunLosses().Where(pair => pair.Key >= from).MaxBy(pair => pair.Value).Key;
}
