using Andrea.Clipping;
using Andrea.Reporting;
using Andrea.Tests.Support;
using Andrea.Training;

namespace Andrea.Tests.Training;

/// <summary>What a run leaves in its folder for people: run.json from the beginning, report.html at the end, however it ends.</summary>
public sealed class RunDescriptionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Run => _folder["run"];

    private string Report => Path.Combine(Run, "report.html");

    [Fact]
    public async Task Run_WithAFolder_DescribesItselfAndEndsWithAReport()
    {
        using Device device = Device.Cpu(1);
        TrainerOptions options = SmallRun.Options with { RunFolder = Run, Clip = new GradClipperOptions { MaxNorm = double.PositiveInfinity } };
        using Trainer trainer = SmallRun.Create(device, options);
        RunDescription description = RunDescription.TryRead(Run)!;
        Assert.Equal(("run", device.Description, trainer.Model.Layout.ElementCount), (description.Name, description.Device, description.Parameters));
        Assert.Equal((options.Clip, options.Steps, options.LearningRate), (description.Options.Clip, description.Options.Steps, description.Options.LearningRate));
        Assert.Equal(trainer.Model.Config, description.Config);
        Assert.Equal(("char", SmallRun.Data.Tokenizer.VocabularySize), (description.Tokenizer.Kind, description.Tokenizer.VocabularySize));
        Assert.Equal((MachineDescription.Current, TimeSpan.Zero), (description.Machine, description.Started!.Value.Offset));
        Assert.False(File.Exists(Report));
        await trainer.RunAsync();
        Assert.Contains("</html>", File.ReadAllText(Report), StringComparison.Ordinal);
        Assert.Equal(12, RunData.Read(Run).Steps.Step.Count);
    }

    [Fact]
    public async Task Run_ReportCannotBeWritten_SaysSo()
    {
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, SmallRun.Options with { RunFolder = Run });
        var warnings = new List<string>();
        trainer.Warned += warnings.Add;
        Directory.CreateDirectory(Report + ".tmp");
        await trainer.RunAsync();
        string warning = Assert.Single(warnings);
        Assert.StartsWith($"The report {Report} was not written: ", warning, StringComparison.Ordinal);
        Assert.Equal([warning], trainer.Warnings);
        Assert.Equal(12, RunData.Read(Run).Steps.Step.Count);
    }

    [Fact]
    public async Task Run_FilesAreOnAFullDisk_StillWritesTheReport()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "There is no /dev/full here.");
        Directory.CreateDirectory(Run);
        foreach (string name in (string[])["metrics.jsonl", "gradients.jsonl"])
            File.CreateSymbolicLink(Path.Combine(Run, name), "/dev/full");
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, SmallRun.Options with { RunFolder = Run });
        await trainer.RunAsync();
        Assert.Contains("</html>", File.ReadAllText(Report), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Resume_KeepsTheDescriptionWithTheOptionsOfNow()
    {
        using Device device = Device.Cpu(1);
        using (Trainer first = SmallRun.Create(device, SmallRun.Options with { RunFolder = Run }))
            await first.RunAsync();
        RunDescription before = RunDescription.TryRead(Run)!;
        using (Trainer second = Trainer.Resume(device, Run, tokenizer => SmallRun.Data, options => options with { Steps = 15 }))
            await second.RunAsync();
        RunDescription after = RunDescription.TryRead(Run)!;
        Assert.Equal((before.Started, 15L), (after.Started, after.Options.Steps));
        Assert.Equal((12L, device.Description), (Assert.Single(after.Resumed).Step, after.Resumed[0].Device));
        Assert.Equal(15, RunData.Read(Run).Steps.Step.Count);
    }

    [Fact]
    public async Task Resume_RunOfAnOlderVersion_GetsADescriptionWithoutABeginning()
    {
        using Device device = Device.Cpu(1);
        using (Trainer first = SmallRun.Create(device, SmallRun.Options with { RunFolder = Run }))
            await first.RunAsync();
        File.WriteAllText(Path.Combine(Run, "run.json"), "{\"half\":");
        Assert.Null(RunDescription.TryRead(Run));
        using (SmallRun.Resume(device, Run))
            Assert.Null(RunDescription.TryRead(Run));
        using (Trainer.Resume(device, Run, tokenizer => SmallRun.Data, options => options with { Steps = 15 }))
            Assert.Equal((null, "run"), (RunDescription.TryRead(Run)!.Started, RunDescription.TryRead(Run)!.Name));
    }

    [Fact]
    public async Task Run_ThatIsStoppedOrFails_LeavesAReport()
    {
        using Device device = Device.Cpu(1);
        using var stop = new CancellationTokenSource();
        using (Trainer trainer = SmallRun.Create(device, SmallRun.Options with { RunFolder = Run }))
        {
            trainer.OnStep(record => { if (record.Step == 5) stop.Cancel(); });
            await trainer.RunAsync(stop.Token);
        }
        Assert.True(File.Exists(Report));

        using Trainer failing = SmallRun.Create(device, SmallRun.Options with { RunFolder = _folder["failing"] });
        failing.OnStep(record => { if (record.Step == 7) throw new InvalidOperationException("planted"); });
        InvalidOperationException error = await Assert.ThrowsAsync<InvalidOperationException>(() => failing.RunAsync());
        Assert.Equal("planted", error.Message);
        Assert.True(File.Exists(Path.Combine(_folder["failing"], "report.html")));
        Assert.InRange(RunData.Read(_folder["failing"]).Steps.Step.Count, 6, 8);
    }

    [Fact]
    public async Task Run_WhoseReportCannotBeWritten_EndsAllTheSame()
    {
        using Device device = Device.Cpu(1);
        // A folder in the files' place: no rename can replace it.
        Directory.CreateDirectory(Path.Combine(Report, "x"));
        Directory.CreateDirectory(Path.Combine(Run, "run.json", "x"));
        using Trainer trainer = SmallRun.Create(device, SmallRun.Options with { RunFolder = Run });
        TrainingSummary summary = await trainer.RunAsync();
        Assert.Equal((StopReason.Completed, 12L), (summary.Reason, summary.Step));
        Assert.NotNull(summary.CheckpointPath);
    }
}
