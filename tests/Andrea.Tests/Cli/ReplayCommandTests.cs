using Andrea.Cli;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cli;

/// <summary><c>andrea replay</c>, end to end.</summary>
public sealed class ReplayCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task Replay_OfAHealthyGuardedRun_SaysSo()
    {
        await Train();
        CliRun replay = (await CliRun.Of("replay", _folder["run"], "--step", "5", "--device", "cpu")).Succeeded();
        Assert.Contains("Step 5 has the recorded bits, and neither loss nor norm stands out.", replay.Output, StringComparison.Ordinal);
        Assert.Contains("sequence", replay.Output, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_folder["run"], "metrics.jsonl.tmp")));
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
