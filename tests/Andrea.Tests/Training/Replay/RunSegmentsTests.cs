using System.Text.Json.Nodes;
using Andrea.Optim;
using Andrea.Training;
using Andrea.Training.Checkpoints;
using Andrea.Training.Faults;
using Andrea.Training.Replay;

namespace Andrea.Tests.Training.Replay;

/// <summary>Runs that were gone on with: each part is made again with its own options.</summary>
public sealed class RunSegmentsTests : IDisposable
{
    private static readonly TrainerOptions Options = SmallRun.Options with { Steps = 30, CheckpointEvery = 10, KeepCheckpoints = 1 };

    private readonly RecordedRun _run = new(SmallRun.Data);

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData(10)]
    [InlineData(30)]
    [InlineData(31)]
    [InlineData(65)]
    public void ExtendedRun_EarlyCheckpointsGone_HasItsBits(long step)
    {
        // Of a guard with snapshots, whose state has to go over the resumes, too.
        _run.Train(Options with { SpikeGuard = new SpikeGuardOptions { SnapshotEvery = 10 } });
        _run.GoOn(options => options with { Steps = 60 });
        _run.GoOn(options => options with { Steps = 70, LearningRate = 3e-2, MicroBatches = 2 });
        ReplayResult result = _run.Replay(step);
        Assert.Equal((ReplayVerdict.Usual, 0L, null), (result.Verdict, result.From, result.DifferentStep));
    }

    [Fact]
    public void ExtendedRun_FromTheCheckpointItWasResumedFrom_HasItsBits()
    {
        _run.Train(Options with { KeepCheckpoints = 9 });
        _run.GoOn(options => options with { Steps = 60 });
        ReplayResult result = _run.Replay(35);
        Assert.Equal((ReplayVerdict.Usual, 30L), (result.Verdict, result.From));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(45)]
    public void OptionsOfTheTimeUnknown_OtherBitsProveNothing(long step)
    {
        _run.Train(Options);
        _run.GoOn(options => options with { Steps = 60 });
        ForgetOptions();
        ReplayResult result = _run.Replay(step);
        Assert.Equal((ReplayVerdict.Unknown, true), (result.Verdict, result.DifferentStep <= 10));
        Assert.Contains("so this proves nothing", result.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void OptionsOfTheTimeUnknown_ACheckpointOfTheTimeTells()
    {
        _run.Train(Options with { KeepCheckpoints = 9 });
        _run.GoOn(options => options with { Steps = 60 });
        ForgetOptions();
        foreach (long step in (long[])[5, 25, 35, 60])
            Assert.Equal((step, ReplayVerdict.Usual), (step, _run.Replay(step).Verdict));
    }

    [Fact]
    public void OtherBits_InARunThatWasResumed_SaySo()
    {
        _run.Train(Options);
        _run.GoOn(options => options with { Steps = 60 });
        _run.Tamper(35, "loss");
        ReplayResult result = _run.Replay(38);
        Assert.Equal((ReplayVerdict.Hardware, 35L), (result.Verdict, result.DifferentStep));
        Assert.Contains("resumed in between", result.Sentence, StringComparison.Ordinal);
        _run.Tamper(5, "loss");
        Assert.DoesNotContain("resumed", _run.Replay(8).Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void DamagedTensors_AnEarlierCheckpointServes()
    {
        _run.Train(Options with { KeepCheckpoints = 9 });
        string model = Path.Combine(new CheckpointStore(RunFolder.CheckpointsOf(_run.Folder)).List()[1].Path, CheckpointFolder.ModelFile);
        byte[] bytes = File.ReadAllBytes(model);
        bytes[^1] ^= 1;
        File.WriteAllBytes(model, bytes);
        ReplayResult result = _run.Replay(25);
        Assert.Equal((ReplayVerdict.Usual, 10L), (result.Verdict, result.From));
    }

    [Theory]
    [InlineData(-1, 35)]
    [InlineData(0, 65)]
    public void OptionsOfAnEarlierPartUnknown_OtherBitsProveNothing(int part, long step)
    {
        // A constant rate, so that the options of later do as well and bits differ only where they were tampered with.
        _run.Train(Options with { Schedule = ScheduleKind.Constant });
        _run.GoOn(options => options with { Steps = 60 });
        _run.GoOn(options => options with { Steps = 70 });
        _run.Tamper(step, "loss");
        Assert.Equal((ReplayVerdict.Hardware, step), (_run.Replay(step + 2).Verdict, _run.Replay(step + 2).DifferentStep));
        ForgetOptions(part);
        ReplayResult result = _run.Replay(step + 2);
        Assert.Equal((ReplayVerdict.Unknown, 0L, step), (result.Verdict, result.From, result.DifferentStep));
    }

    [Fact]
    public void Checkpoint_ThatTheRunWentBackBehind_IsNoneOfIt()
    {
        // That of step 20 is not finite, so the run goes on from step 10, and crashes before it has written another.
        _run.Train(Options with { Steps = 20, KeepCheckpoints = 9 }, new Fault(FaultKind.ParameterScale, 15, 15, double.NaN));
        using (Device device = Device.Cpu(1))
        using (Trainer trainer = Trainer.Resume(device, _run.Folder, _ => SmallRun.Data, options => options with { Steps = 60, CheckpointEvery = 0 }))
            while (trainer.Step < 28)
                trainer.TrainStepAndWait();
        Assert.Equal([10L, 20], new CheckpointStore(RunFolder.CheckpointsOf(_run.Folder)).List().Select(entry => entry.Name.Step));
        ReplayResult result = _run.Replay(25);
        Assert.Equal((ReplayVerdict.Usual, 10L), (result.Verdict, result.From));
    }

    [Fact]
    public void DeviceThatAPartWasMadeOn_IsThatOfThePart()
    {
        _run.Train(Options with { KeepCheckpoints = 9 });
        _run.GoOn(options => options with { Steps = 60 }, onReference: true);
        _run.Tamper(5, "loss");
        Assert.Contains("recorded on another device", _run.Replay(35).Sentence, StringComparison.Ordinal);
        Assert.DoesNotContain("another device", _run.Replay(8).Sentence, StringComparison.Ordinal);
    }

    /// <summary>As an older version wrote run.json.</summary>
    /// <param name="part">Only the options of one part: -1 for the beginning, then the resumes from 0; null for all.</param>
    private void ForgetOptions(int? part = null)
    {
        string path = Path.Combine(_run.Folder, RunDescription.FileName);
        JsonObject json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        Assert.Single(json, pair => string.Equals(pair.Key, "began", StringComparison.OrdinalIgnoreCase) && pair.Value is not null);
        if (part is null or -1)
            foreach (string name in (string[])["began", "Began"])
                json.Remove(name);
        JsonArray resumes = (json["resumed"] ?? json["Resumed"])!.AsArray();
        for (int i = 0; i < resumes.Count; i++)
            if (part is null || part == i)
                foreach (string name in (string[])["options", "Options"])
                    resumes[i]!.AsObject().Remove(name);
        File.WriteAllText(path, json.ToJsonString());
    }
}
