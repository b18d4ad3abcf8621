using System.Globalization;
using System.Security.Cryptography;
using Andrea.Cli;
using Andrea.Data;
using Andrea.Reporting;
using Andrea.Tests.Support;
using Andrea.Tests.Training;
using Andrea.Training;
using Andrea.Training.Faults;

namespace Andrea.Tests.Cli;

/// <summary><c>andrea replay</c>, end to end.</summary>
public sealed class ReplayCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task Replay_OfAHealthyGuardedRun_SaysSo()
    {
        await Train();
        string[] before = Contents();
        CliRun replay = (await CliRun.Of("replay", _folder["run"], "--step", "5", "--device", "cpu")).Succeeded();
        Assert.Contains("Step 5 has the recorded bits; before it only 4 steps are recorded, too few", replay.Output, StringComparison.Ordinal);
        Assert.Contains("sequence", replay.Output, StringComparison.Ordinal);
        Assert.Equal(before, Contents());
    }

    [Theory]
    [InlineData(6, 41, "cpu", ExitCode.ReplayParameters, "look at earlier steps")]
    [InlineData(1e12, 41, "reference", ExitCode.ReplayNumerics, "in the numerics of float32")]
    [InlineData(1, 41, "reference", ExitCode.Done, "neither loss nor norm stands out")]
    public async Task Replay_OfSpoiledParameters_ExitsWithItsCode(double scale, int step, string device, int exitCode, string words)
    {
        string text = Write(string.Concat(Enumerable.Repeat("the cat sat on the mat and looked at the moon. ", 40)));
        Train(text, ReplayOptions with { Steps = 44, CheckpointEvery = 40, KeepCheckpoints = 5 }, new Fault(FaultKind.ParameterScale, 40, 40, scale));
        await Replays(text, step, device, exitCode, words);
    }

    [Fact]
    public async Task Replay_OfABadDocument_ExitsWithItsCode()
    {
        string usual = string.Concat(Enumerable.Repeat("how vexingly quick daft zebras jump. ", 440));
        string text = Write(usual[..2000] + string.Concat(Enumerable.Range(0, 60).Select(i => "#@%&"[i * i % 7 % 4])) + usual[2000..]);
        Train(text, ReplayOptions with { Steps = 300, LearningRate = 2e-2, CheckpointEvery = 50, KeepCheckpoints = 9, BatchOrder = BatchOrder.ShuffledEpochs });
        var losses = new Dictionary<long, double>();
        JsonLines.Read(Path.Combine(_folder["run"], "metrics.jsonl"), (step, record) =>
        {
            if (step >= 130 && record.Number("loss") is { } loss)
                losses[step] = loss;
        });
        await Replays(text, losses.MaxBy(pair => pair.Value).Key, "cpu", ExitCode.ReplayData, "the spike is in the data");
    }

    [Fact]
    public async Task Replay_OfARunWhoseOptionsAreForgotten_ExitsWithItsCode()
    {
        string text = Write(string.Concat(Enumerable.Repeat("the cat sat on the mat and looked at the moon. ", 40)));
        Train(text, ReplayOptions with { Steps = 20, KeepCheckpoints = 1 });
        using (Device device = Device.Cpu(1))
        using (Trainer trainer = Trainer.Resume(device, _folder["run"], _ => TokenDataset.FromFiles([text], "char"), options => options with { Steps = 30 }))
            await trainer.RunAsync();
        File.Delete(Path.Combine(_folder["run"], "run.json"));
        await Replays(text, 10, "cpu", ExitCode.ReplayUnknown, "proves nothing");
    }

    [Fact]
    public async Task Replay_OfManySteps_ShowsProgress()
    {
        await Train();
        var output = new StringWriter();
        var terminal = new Terminal { Output = output, Error = TextWriter.Null, Console = CliRun.Nowhere().Console, IsInteractive = false, Clock = new SlowClock() };
        Assert.Equal(ExitCode.Done, await CommandLine.RunAsync(["replay", _folder["run"], "--step", "6", "--device", "cpu"], terminal));
        Assert.Contains("Step 2 of 6 is made.", output.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("Step 1 of 6 is made.", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Replay_OfATamperedRun_ExitsWithItsCode()
    {
        await Train();
        string path = Path.Combine(_folder["run"], "metrics.jsonl");
        string[] lines = File.ReadAllLines(path);
        int at = Array.FindIndex(lines, line => line.StartsWith("{\"step\":3,\"loss\":", StringComparison.Ordinal));
        lines[at] = lines[at].Replace("\"loss\":", "\"loss\":1", StringComparison.Ordinal);
        File.WriteAllLines(path, lines);
        CliRun replay = await CliRun.Of("replay", _folder["run"], "--step", "5", "--device", "cpu");
        Assert.Equal((ExitCode.ReplayHardware, ""), (replay.ExitCode, replay.Error));
        Assert.Contains("Step 3 does not have the bits that were recorded", replay.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Replay_WithoutAStepOrRun_SaysWhatIsMissing()
    {
        Assert.Contains("--step", (await CliRun.Of("replay", "somewhere")).FailedWith(ExitCode.WrongUsage), StringComparison.Ordinal);
        Assert.Contains("no folder 'nowhere'", (await CliRun.Of("replay", "nowhere", "--step", "1")).FailedWith(ExitCode.Failed), StringComparison.Ordinal);
        await Train();
        Assert.Contains("whose last is 6", (await CliRun.Of("replay", _folder["run"], "--step", "9", "--device", "cpu")).FailedWith(ExitCode.WrongUsage), StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    private static readonly TrainerOptions ReplayOptions = SmallRun.Options with { LearningRate = 1e-2 };

    private async Task Replays(string text, long step, string device, int exitCode, string words)
    {
        CliRun replay = await CliRun.Of("replay", _folder["run"], "--step", step.ToString(CultureInfo.InvariantCulture), "--data", text, "--device", device);
        Assert.Equal((exitCode, ""), (replay.ExitCode, replay.Error));
        Assert.Contains(words, replay.Output, StringComparison.Ordinal);
    }

    private void Train(string text, TrainerOptions options, params Fault[] faults)
    {
        using Device device = Device.Cpu(1);
        using var trainer = new Trainer(device, SmallRun.Config, TokenDataset.FromFiles([text], "char"), options with { RunFolder = _folder["run"] });
        trainer.Faults = new FaultPlan(1, faults);
        trainer.RunAsync(TestContext.Current.CancellationToken).GetAwaiter().GetResult();
    }

    private string Write(string text)
    {
        Directory.CreateDirectory(_folder["data"]);
        File.WriteAllText(Path.Combine(_folder["data"], "text.txt"), text);
        return Path.Combine(_folder["data"], "text.txt");
    }

    /// <summary>Every file of the run with its contents and the time it was written.</summary>
    private string[] Contents() =>
    [
        .. Directory.EnumerateFileSystemEntries(_folder["run"], "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Select(path => string.Create(
            CultureInfo.InvariantCulture,
            $"{path} {File.GetLastWriteTimeUtc(path):O} {(File.Exists(path) ? Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path))) : "folder")}")),
    ];

    /// <summary>Goes on by 3 seconds whenever it is looked at.</summary>
    private sealed class SlowClock : TimeProvider
    {
        private long _seconds;

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => _seconds += 3;
    }

    private async Task Train()
    {
        string text = Path.Combine(_folder["data"], "text.txt");
        Directory.CreateDirectory(_folder["data"]);
        File.WriteAllText(text, string.Concat(Enumerable.Repeat("the cat sat on the mat and looked at the moon. ", 100)));
        (await CliRun.Of(
            "train", "--preset", "tiny", "--data", text, "--steps", "6", "--batch", "2", "--device", "cpu", "--sample-tokens", "0", "--spike-guard",
            "--out", _folder["run"])).Succeeded();
    }
}
