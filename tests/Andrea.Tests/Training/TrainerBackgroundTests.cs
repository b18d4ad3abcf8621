using System.Text.Json;
using Andrea.Clipping;
using Andrea.Monitoring;
using Andrea.Monitoring.Sinks;
using Andrea.Tests.Monitoring;
using Andrea.Tests.Support;
using Andrea.Training;

namespace Andrea.Tests.Training;

public class TrainerBackgroundTests
{
    private static readonly TrainerOptions WithEvents = SmallRun.Options with { EvaluateEvery = 4, EvaluationBatches = 2, SampleEvery = 6, SampleTokens = 3, CheckpointEvery = 5 };

    [Fact]
    public async Task Background_HasSeenWhatTheForegroundSawInItsOrder_WhenRunAsyncReturns()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, WithEvents with { RunFolder = folder["run"] });
        ToldObserver foreground = new(), background = new() { OnTold = _ => Thread.Sleep(1) };
        trainer.Observe(foreground);
        trainer.ObserveInBackground(background);
        await trainer.RunAsync();
        Assert.Contains("sample 6", foreground.Told);
        Assert.Contains("checkpoint 12", foreground.Told);
        Assert.Equal(foreground.Told, background.Told);
        // The file has the same records in the same order, too.
        string[] kinds = [.. File.ReadLines(folder["run/metrics.jsonl"]).Select(line => KindOf(JsonElement.Parse(line)))];
        Assert.Equal(foreground.Told.Where(told => !told.StartsWith("gradients ", StringComparison.Ordinal)), kinds);
        Assert.Empty(trainer.Warnings);
    }

    [Fact]
    public async Task Background_HasSeenAll_WhenRunAsyncThrows()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(
            device, SmallRun.Options with { RunFolder = folder["run"], Clip = new GradClipperOptions { NonFinite = NonFinitePolicy.Throw } });
        var background = new ToldObserver();
        trainer.ObserveInBackground(background);
        trainer.OnStep(record =>
        {
            if (record.Step == 3)
                trainer.Poison();
        });
        await Assert.ThrowsAsync<NonFiniteGradientException>(() => trainer.RunAsync());
        Assert.Equal(4, background.Told.Count(told => told.StartsWith("step ", StringComparison.Ordinal)));
        Assert.Equal(4, File.ReadLines(folder["run/metrics.jsonl"]).Count(line => line.Contains("\"loss\":", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Verdicts_OfANaNInTheLastStep_AreCompleteWhenRunAsyncReturns()
    {
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, SmallRun.Options with { Monitor = GradientMonitorOptions.Off });
        var background = new ToldObserver();
        trainer.ObserveInBackground(background);
        trainer.OnStep(record =>
        {
            if (record.Step == SmallRun.Options.Steps - 1)
                trainer.Poison();
        });
        await trainer.RunAsync();
        Assert.Equal((VerdictKind.NonFinite, SmallRun.Options.Steps), (Assert.Single(trainer.Verdicts).Kind, trainer.Verdicts[0].Step));
        Assert.Contains(background.Told, told => told.StartsWith("verdict ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Background_Fails_TheRunGoesOnAndSaysSo()
    {
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, SmallRun.Options);
        var warnings = new List<string>();
        trainer.Warned += warnings.Add;
        trainer.ObserveInBackground(new ToldObserver { OnTold = _ => throw new IOException("No space left on device") });
        TrainingSummary summary = await trainer.RunAsync();
        Assert.Equal(StopReason.Completed, summary.Reason);
        Assert.Contains("No space left on device", Assert.Single(warnings), StringComparison.Ordinal);
        Assert.Equal(warnings, trainer.Warnings);
    }

    [Fact]
    public async Task Background_Hangs_TheStepsGoOn()
    {
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, SmallRun.Options);
        var background = new ToldObserver();
        background.Hang();
        trainer.ObserveInBackground(background);
        trainer.OnStep(record =>
        {
            // Only here it is let go: were training held up by it, this step would not come.
            if (record.Step == SmallRun.Options.Steps)
                background.LetGo();
        });
        await trainer.RunAsync();
        Assert.Equal(SmallRun.Options.Steps, background.Told.Count(told => told.StartsWith("step ", StringComparison.Ordinal)));
    }

    [Fact]
    public void Background_Owned_IsDisposedOfWithTheTrainer()
    {
        using Device device = Device.Cpu(1);
        ToldObserver owned = new(), foreign = new();
        using (Trainer trainer = SmallRun.Create(device, SmallRun.Options))
        {
            trainer.ObserveInBackground(owned, owned: true);
            trainer.ObserveInBackground(foreign);
            trainer.TrainStep();
        }
        Assert.Equal(["step 1", "gradients 1"], owned.Told.Select(told => string.Join(' ', told.Split(' ').Take(2))));
        Assert.Equal((true, false), (owned.IsDisposed, foreign.IsDisposed));
    }

    [Fact]
    public async Task Resume_LaterGradients_AreDropped()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        using (Trainer killed = SmallRun.Create(device, SmallRun.Options with { RunFolder = folder["run"] }))
        {
            for (int step = 1; step <= 5; step++)
                killed.TrainStep();
            killed.WriteCheckpoint();
        }
        string path = folder["run/gradients.jsonl"];
        using (var file = new GradientsFile(path))
        {
            file.DropAfter(-1);
            for (long step = 4; step <= 7; step++)
                file.OnGradients(TestRecords.Gradients(step));
        }
        await File.AppendAllTextAsync(path, """{"step":5,"coeff""");
        using (Trainer resumed = SmallRun.Resume(device, folder["run"]))
            Assert.Equal(5, resumed.Step);
        string[] lines = await File.ReadAllLinesAsync(path);
        Assert.Equal([3L, 4, 5], lines.Select(line => JsonElement.Parse(line).GetProperty("step").GetInt64()).Take(3));
    }

    [Fact]
    public void NewRun_GradientsOfARunWithoutCheckpoints_AreDropped()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        using (var file = new GradientsFile(folder["run/gradients.jsonl"]))
            file.OnGradients(TestRecords.Gradients(50));
        using (Trainer trainer = SmallRun.Create(device, SmallRun.Options with { RunFolder = folder["run"] }))
            trainer.TrainStep();
        Assert.DoesNotContain("\"step\":50", File.ReadAllText(folder["run/gradients.jsonl"]), StringComparison.Ordinal);
    }

    private static string KindOf(JsonElement line)
    {
        string kind = line.TryGetProperty("loss", out _) ? "step"
            : line.TryGetProperty("validationLoss", out _) ? "evaluation"
            : line.TryGetProperty("sample", out _) ? "sample"
            : line.TryGetProperty("checkpoint", out _) ? "checkpoint" : "";
        return $"{kind} {line.GetProperty("step").GetInt64()}";
    }
}
