using Andrea.Clipping;
using Andrea.Curriculum;
using Andrea.Data;
using Andrea.Monitoring;
using Andrea.Numerics;
using Andrea.Tests.Cpu;
using Andrea.Tests.Support;
using Andrea.Training;
using Andrea.Training.Checkpoints;
using Andrea.Training.Faults;
using Andrea.Training.Guard;

namespace Andrea.Tests.Training.Guard;

/// <summary>The guard over several sources, each of which is judged by its own past.</summary>
public class GuardedSourcesTests
{
    private static readonly TokenDataset Data = Create(
        ("prose", string.Concat(Enumerable.Repeat("how vexingly quick daft zebras jump; sphinx of black quartz, judge my vow. ", 40))),
        ("rep", string.Concat(Enumerable.Repeat("ha", 1500))));

    private static readonly TrainerOptions Options = SmallRun.Options with
    {
        Steps = 150,
        Clip = new() { MaxNorm = double.PositiveInfinity },
        Curriculum = new CurriculumOptions { PhaseSteps = [14, 21], OtherWeight = 0.1 },
        SpikeGuard = new SpikeGuardOptions
        {
            Window = 32, Minimum = 6, RetryAfter = 8, WideCount = 5, WideWindow = 6, SnapshotEvery = 12, SnapshotMargin = 2, SkipBatches = 1, RateSteps = 4,
        },
    };

    private static readonly Fault[] Faults = [new(FaultKind.OutlierBatch, 40, 41), new(FaultKind.NaNGradient, 50, 50), new(FaultKind.ParameterScale, 62, 62, 10)];

    [Fact]
    public void ChangeOfSource_OfAHealthyCurriculum_IsNoSpike()
    {
        Log log = Train("cpu-1", Options with { Curriculum = new CurriculumOptions { PhaseSteps = [6, 9] } }, []);
        Assert.Empty(log.Guard);
        int changes = log.Steps.Zip(log.Steps.Skip(1)).Count(pair => pair.First.Source != pair.Second.Source);
        Assert.True(changes > 10, $"The source changes only {changes} times.");
        // Far enough apart that one window for both would call it a spike.
        double prose = log.Steps[^40..].Where(step => step.Source == "prose").Average(step => step.Loss), rep = log.Steps[^40..].Where(step => step.Source == "rep").Average(step => step.Loss);
        Assert.True(prose > 3 * rep, $"The losses of the sources are {prose} and {rep}.");
    }

    [Fact]
    public void ReturnOfASource_ThatWasForgottenForAPhase_IsNoSpike()
    {
        // The phases and the guard of every run, over enough steps to know one source by heart and to forget it.
        TrainerOptions options = SmallRun.Options with { Steps = 700, LearningRate = 3e-3, Curriculum = new CurriculumOptions(), SpikeGuard = new SpikeGuardOptions(), Diagnosis = null };
        var random = new Philox(5);
        string[] words = [.. Enumerable.Range(0, 40).Select(_ => string.Concat(Enumerable.Range(0, 2 + random.NextInt32(5)).Select(_ => (char)('m' + random.NextInt32(12)))))];
        TokenDataset data = Create(
            ("prose", string.Concat(Enumerable.Range(0, 2000).Select(_ => words[random.NextInt32(words.Length)] + " "))),
            ("rep", string.Concat(Enumerable.Repeat("abcdefgh ijkl\n", 3000))));
        using Device device = Device.Cpu(1);
        using Trainer trainer = new(device, SmallRun.Config with { ChannelCount = 48, LayerCount = 2 }, data, options);
        var log = new Log();
        Run(trainer, [], log, (int)options.Steps);
        double[] rep = [.. log.Steps[^400..].Where(step => step.Source == "rep").Select(step => step.Loss)];
        Assert.True(rep.Max() > 10 * rep.Min(), $"The losses of the source that comes and goes are {rep.Min()} to {rep.Max()}: nothing was forgotten.");
        Assert.Empty(log.Guard);
    }

    [Theory]
    [InlineData("reference")]
    [InlineData(TestDevice.Emulator)]
    [InlineData(TestDevice.Gpu)]
    public void Guard_OfSources_ActsAlikeOnEveryDevice(string name)
    {
        TrainerOptions options = Options with { Steps = 75 };
        Log expected = Train("cpu-2", options, Faults), actual = Train(name, options, Faults);
        foreach (GuardAction action in (GuardAction[])[GuardAction.Skipped, GuardAction.Retried, GuardAction.RolledBack, GuardAction.Abandoned])
            Assert.Contains(expected.Guard, record => record.Action == action);
        Assert.Equal(expected.Guard.Select(Decision), actual.Guard.Select(Decision));
        Assert.Equal(expected.Steps.Select(step => step.Source), actual.Steps.Select(step => step.Source));
    }

    [Theory]
    [InlineData(39)]
    [InlineData(41)]
    [InlineData(48)]
    [InlineData(66)]
    [InlineData(72)]
    public void Resume_AmongSources_GivesTheBitsOfAStraightRun(int stopAt)
    {
        Log straight = Train("cpu-1", Options, Faults);
        using var folder = new TemporaryFolder();
        var log = new Log();
        using Device device = Device.Cpu(1);
        using (Trainer first = new(device, SmallRun.Config, Data, Options with { RunFolder = folder["run"] }))
        {
            Run(first, Faults, log, stopAt);
            first.WriteCheckpoint();
        }
        using (Trainer second = Trainer.Resume(device, folder["run"], _ => Data))
            Run(second, Faults, log, (int)Options.Steps);
        Assert.Equal(straight.Guard, log.Guard);
        Assert.Equal(straight.Steps.Select(Bits), log.Steps.Select(Bits));
        Assert.Equal(straight.Bits, log.Bits);
    }

    [Fact]
    public void GoingBack_BringsBackTheWindowsOfEverySource()
    {
        GuardRecord back = Train("cpu-1", Options, Faults).Guard.First(record => record.Action == GuardAction.RolledBack);
        using Device device = Device.Cpu(1);
        // The step after the rollback adds nothing to a window. A run for each checkpoint, since writing one touches what the guard has.
        Fault[] faults = [.. Faults, new(FaultKind.NaNGradient, back.Step, back.Step)];
        byte[][][] windows = [.. new[] { back.SnapshotStep, back.Step - 1, back.Step }.Select(step =>
        {
            using var folder = new TemporaryFolder();
            using Trainer trainer = new(device, SmallRun.Config, Data, Options with { RunFolder = folder["run"] });
            Run(trainer, faults, new Log(), (int)step);
            return CheckpointFolder.ReadState(trainer.WriteCheckpoint()).Guard!.Device.Take(2).ToArray();
        })];
        Assert.NotEqual(windows[0], windows[1]);
        Assert.Equal(windows[0], windows[2]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Checkpoint_FromBeforeArrivals_CanBeGoneOnWith(int windows)
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        string path;
        using (Trainer first = new(device, SmallRun.Config, Data, Options with { RunFolder = folder["run"] }))
        {
            Run(first, [], new Log(), 30);
            path = first.WriteCheckpoint();
        }
        CheckpointManifest written = CheckpointManifest.Read(path);
        Assert.Equal(4, written.State.Guard!.Device.Count);
        Assert.Equal(2, written.State.Guard.Visits.Count);
        byte[][] Old(IReadOnlyList<byte[]> states) => [.. states.Take(windows), .. states.Skip(2).Take(windows)];
        SnapshotProgress[] snapshots = [.. written.State.Guard.Snapshots.Select(snapshot => snapshot with { Device = Old(snapshot.Device) })];
        GuardProgress old = written.State.Guard with { Device = Old(written.State.Guard.Device), Snapshots = snapshots, Visits = [] };
        File.WriteAllBytes(Path.Combine(path, CheckpointManifest.FileName), (written with { State = written.State with { Guard = old } }).ToBytes());
        using Trainer second = Trainer.Resume(device, folder["run"], _ => Data);
        var log = new Log();
        Run(second, [], log, 60);
        Assert.Empty(log.Guard);
    }

    [Fact]
    public void TrainStep_BetweenSources_AllocatesNothing()
    {
        using Device device = Device.Cpu(1);
        using Trainer trainer = new(device, SmallRun.Config, Data, Options with { Steps = 400, Diagnosis = null, Curriculum = null });
        for (int i = 0; i < 45; i++)
            trainer.TrainStep();
        // Without a curriculum the source is another one every few steps, by chance.
        Allocations.AssertNone(() =>
        {
            for (int i = 0; i < 20; i++)
                trainer.TrainStep();
        });
    }

    private static Log Train(string name, TrainerOptions options, Fault[] faults)
    {
        using TestDevice test = TestDevice.Open(name);
        using Trainer trainer = new(test.Device, SmallRun.Config, Data, options);
        var log = new Log();
        Run(trainer, faults, log, (int)options.Steps);
        return log;
    }

    private static void Run(Trainer trainer, Fault[] faults, Log log, int stopAt)
    {
        trainer.Observe(log);
        trainer.Faults = new FaultPlan(1, faults);
        while (trainer.Step < stopAt)
            trainer.TrainStepAndWait();
        log.Bits = trainer.Bits();
    }

    private static TokenDataset Create(params (string Name, string Text)[] texts)
    {
        NamedText[] sources = [.. texts.Select(text => new NamedText(text.Name, TextSource.FromText(text.Text)))];
        return TokenDataset.Create(sources, Tokenizer.Create("char", TextSource.Join(sources.Select(source => source.Text))));
    }

    private static (long, GuardAction, SkipReason, long, int, long) Decision(GuardRecord record) =>
        (record.Step, record.Action, record.Reason, record.BatchStep, record.Attempt, record.SnapshotStep);

    private static (long, string?, long, long) Bits(StepRecord step) =>
        (step.Step, step.Source, BitConverter.DoubleToInt64Bits(step.Loss), BitConverter.DoubleToInt64Bits(step.Clip.NormBefore));

    private sealed class Log : IStepObserver
    {
        public List<StepRecord> Steps { get; } = [];

        public List<GuardRecord> Guard { get; } = [];

        public uint[] Bits { get; set; } = [];

        public void OnStep(in StepRecord record) => Steps.Add(record);

        public void OnGuard(in GuardRecord record) => Guard.Add(record);
    }
}
