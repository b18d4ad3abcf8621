using Andrea.Monitoring;
using Andrea.Tests.Support;
using Andrea.Training;
using Andrea.Training.Checkpoints;

namespace Andrea.Tests.Training;

/// <summary>What measurements count from step to step goes on where a checkpoint left it.</summary>
public class TrainerMeasurementResumeTests
{
    // A rate above what the loss's curvature bears.
    private static readonly TrainerOptions Options = SmallRun.Options with
    {
        Steps = 8, LearningRate = 3, WarmupSteps = 0, AbsorptionEvery = 1, Curvature = new CurvatureOptions { Every = 1, Sustained = 4 },
    };

    [Fact]
    public void Resume_InTheMiddleOfARow_AnnouncesAndDriftsAsAStraightRun()
    {
        using Device device = Device.Cpu(1);
        using var folder = new TemporaryFolder();
        Log expected = new(), actual = new();
        using (Trainer straight = SmallRun.Create(device, Options))
            Run(straight, expected, 8);
        int announced = expected.Curvatures.FindIndex(record => record.Announces);
        Assert.True(announced > 2, $"The row is announced at place {announced}.");
        Stop(device, folder, actual, after: announced - 1);
        using (Trainer resumed = SmallRun.Resume(device, folder["run"]))
            Run(resumed, actual, 8);
        Assert.Equal(expected.Curvatures, actual.Curvatures);
        Assert.Equal(expected.Absorptions, actual.Absorptions);
        Assert.True(expected.Absorptions[announced].HeadMeanDrift > 0);
    }

    [Fact]
    public void Resume_FromBeforeItWasKept_CountsAnew()
    {
        using Device device = Device.Cpu(1);
        using var folder = new TemporaryFolder();
        string path = Stop(device, folder, new Log(), after: 3);
        CheckpointManifest written = CheckpointManifest.Read(path);
        Assert.NotNull(written.State.Monitors);
        File.WriteAllBytes(Path.Combine(path, CheckpointManifest.FileName), (written with { State = written.State with { Monitors = null } }).ToBytes());
        using Trainer resumed = SmallRun.Resume(device, folder["run"]);
        var log = new Log();
        Run(resumed, log, 4);
        Assert.Equal(0, Assert.Single(log.Absorptions).HeadMeanDrift);
        Assert.InRange(Assert.Single(log.Curvatures).AboveInARow, 0, 1);
    }

    private static string Stop(Device device, TemporaryFolder folder, Log log, int after)
    {
        using Trainer trainer = SmallRun.Create(device, Options with { RunFolder = folder["run"] });
        Run(trainer, log, after);
        return trainer.WriteCheckpoint();
    }

    private static void Run(Trainer trainer, Log log, int to)
    {
        trainer.Observe(log);
        while (trainer.Step < to)
            trainer.TrainStepAndWait();
    }

    private sealed class Log : IStepObserver
    {
        public List<CurvatureRecord> Curvatures { get; } = [];

        public List<AbsorptionRecord> Absorptions { get; } = [];

        public void OnCurvature(in CurvatureRecord record) => Curvatures.Add(record);

        public void OnAbsorption(in AbsorptionRecord record) => Absorptions.Add(record);
    }
}
