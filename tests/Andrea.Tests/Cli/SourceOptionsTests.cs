using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Andrea.Cli;
using Andrea.Cli.Rendering;
using Andrea.Cli.Training;
using Andrea.Curriculum;
using Andrea.Tests.Support;
using Andrea.Training;

namespace Andrea.Tests.Cli;

/// <summary>Named sources, the curriculum and the coherence gate on the command line.</summary>
public sealed class SourceOptionsTests : IDisposable
{
    // Soon writes one character again and again.
    private static readonly string[] Collapsing = ["--preset", "tiny", "--steps", "60", "--lr", "3", "--max-norm", "inf"];

    private readonly TemporaryFolder _folder = new();

    public SourceOptionsTests()
    {
        File.WriteAllText(_folder["prose.txt"], string.Concat(Enumerable.Repeat("once upon a time there was a fox. ", 60)));
        File.WriteAllText(_folder["list.txt"], string.Concat(Enumerable.Repeat("- one\n- two\n", 100)));
    }

    private string Prose => "prose=" + _folder["prose.txt"];

    private string List => "list=" + _folder["list.txt"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Train_OnSourcesByABandit_TellsSharesAndResumesWithTheSameBits()
    {
        string[] data = ["--source", Prose + ":0.5", "--source", List, "--curriculum", "bandit", "--reward", "drop", "--ucb-c", "3", "--source-warmup", "3=prose"];
        CliRun straight = (await Train([.. data, "--steps", "12", "--schedule", "constant", "--out", _folder["straight"]])).Succeeded();
        Assert.Matches(@"Steps by source: (prose|list) \d+%, (prose|list) \d+%\.", straight.Output);
        (await Train([.. data, "--steps", "5", "--schedule", "constant", "--warmup", "1", "--out", _folder["parts"]])).Succeeded();
        (await Train(["--resume", _folder["parts"], "--steps", "12"], preset: false)).Succeeded();

        Assert.Equal(Checkpoint("straight"), Checkpoint("parts"));
        CurriculumOptions curriculum = RunDescription.TryRead(_folder["parts"])!.Options.Curriculum!;
        Assert.Equal((CurriculumReward.LossDrop, 3, 3), (curriculum.Reward, curriculum.Exploration, curriculum.WarmupSteps));
        Assert.Equal([new SourceLimits("prose", Floor: 0.5, Warmup: true), new SourceLimits("list")], curriculum.Sources);
        string[] drawn = [.. File.ReadLines(_folder["parts/metrics.jsonl"]).Select(line => JsonElement.Parse(line))
            .Where(line => line.TryGetProperty("source", out _)).Select(line => line.GetProperty("source").GetString()!)];
        Assert.Equal((12, "prose prose prose"), (drawn.Length, string.Join(' ', drawn[..3])));
    }

    [Fact]
    public async Task Resume_WithSourcesFromOtherPlaces_TakesThemAndWithOtherNamesDoesNot()
    {
        (await Train("--source", Prose, "--source", List, "--steps", "2", "--out", _folder["run"])).Succeeded();
        File.Move(_folder["list.txt"], _folder["moved.txt"]);
        string[] again = ["--resume", _folder["run"], "--source", Prose, "--source"];
        (await Train([.. again, "list=" + _folder["moved.txt"], "--steps", "3"], preset: false)).Succeeded();
        CliRun other = await Train([.. again, "lines=" + _folder["moved.txt"], "--steps", "4"], preset: false);
        Assert.Contains("fingerprint", other.FailedWith(ExitCode.Failed), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Train_SameNameTwice_JoinsTheTexts()
    {
        (await Train("--source", Prose, "--source", "prose=" + _folder["list.txt"], "--steps", "1", "--out", _folder["run"])).Succeeded();
        DataChoice choice = DataChoice.ReadFrom(_folder["run"])!;
        Assert.Equal(["prose", "prose"], choice.Sources.Select(source => source.Name));
        Assert.Single(choice.Open("char").Sources);
    }

    [Theory]
    [InlineData("expected NAME=PATH", "--source", "prose")]
    [InlineData("expected NAME=PATH", "--source", "prose=")]
    [InlineData("cannot be named 'a b'", "--source", "a b=x.txt")]
    [InlineData("from 0 to 1", "--source", "a=x.txt:2")]
    [InlineData("cannot be given together", "--source", "a=x.txt", "--data", "y.txt")]
    [InlineData("without --curriculum bandit", "--source", "a=x.txt:0.5", "--source", "b=y.txt")]
    [InlineData("--reward has no effect without", "--reward", "drop")]
    [InlineData("at least two", "--curriculum", "bandit")]
    [InlineData("at least two", "--curriculum", "bandit", "--source", "a=x.txt")]
    [InlineData("such as 20000=prose,chat", "--curriculum", "bandit", "--source", "a=x", "--source", "b=y", "--source-warmup", "a")]
    [InlineData("'a' was given two floors, 0.5 and 0.25;", "--curriculum", "bandit", "--source", "a=x:0.5", "--source", "a=y:0.25", "--source", "b=z")]
    [InlineData("a source 'c'", "--curriculum", "bandit", "--source", "a=x", "--source", "b=y", "--source-warmup", "5=c")]
    public async Task Train_WhatMakesNoSense_IsSaid(string sentence, params string[] arguments)
    {
        CliRun run = await Train([.. arguments, "--steps", "1", "--out", _folder["run"]]);
        Assert.Contains(sentence, run.FailedWith(ExitCode.WrongUsage), StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder["run"]));
    }

    [Fact]
    public async Task Train_ModelOnlyRepeatsItself_HaltsWithACodeOfItsOwn()
    {
        File.WriteAllText(_folder["loop.txt"], new string('a', 3000) + "b");
        CliRun run = await Train("--data", _folder["loop.txt"], "--steps", "200", "--lr", "0.01", "--coherence-every", "5", "--out", _folder["run"]);
        Assert.Equal((ExitCode.Incoherent, ""), (run.ExitCode, run.Error));
        Assert.Contains("low 5 times in a row", run.Output, StringComparison.Ordinal);
        Assert.Matches(@"Halted at step \d+: the model wrote mere repetitions 5 times in a row; the checkpoint is kept in \S+. There is none from before the low scores to go back to: begin a new run", run.Output);
        Assert.True(Directory.Exists(_folder["run/checkpoints"]));
    }

    [Fact]
    public async Task Train_RepeatsItselfAfterACheckpoint_SaysHowToGoBackBeforeTheLowScores()
    {
        string folder = _folder["run 1"];
        CliRun run = await Train([.. Collapsing, "--coherence-every", "2", "--checkpoint-every", "2", "--keep", "9", "--out", folder], preset: false);
        Assert.Equal((ExitCode.Incoherent, ""), (run.ExitCode, run.Error));
        int halt = Halt(run), goodStep = halt - 10;
        Assert.True(goodStep > 2, $"halted at step {halt}, where the oldest checkpoint is the latest");
        Assert.Contains(FormattableString.Invariant($"Halted at step {halt}: the model wrote mere repetitions 5 times in a row"), run.Output, StringComparison.Ordinal);
        string good = Advised(run);
        Assert.Equal(Path.Combine(Path.GetFullPath(folder), "checkpoints", FormattableString.Invariant($"step-{goodStep:D6}")), good);

        // Under the gate: what it had counted by then is nothing.
        CliRun back = await Train(["--resume", good, "--lr", "0.001", "--steps", FormattableString.Invariant($"{goodStep + 9}"), "--out", _folder["again"]], preset: false);
        back.Succeeded();
        Assert.Contains(FormattableString.Invariant($"step {goodStep + 8}: coherence "), back.Output, StringComparison.Ordinal);

        // The halted run itself, gone on with, has one more low score, and no better advice.
        CliRun on = await Train(["--resume", folder], preset: false);
        Assert.Contains("the model wrote mere repetitions 6 times in a row", on.Output, StringComparison.Ordinal);
        Assert.Equal(good, Advised(on));

        static int Halt(CliRun run) => int.Parse(Regex.Match(run.Output, @"Halted at step (\d+)").Groups[1].Value, CultureInfo.InvariantCulture);
        static string Advised(CliRun run) =>
            Regex.Match(run.Output, "Go back to the latest from before the low scores with .*: andrea train --resume ['\"](.*)['\"] --out FOLDER").Groups[1].Value;
    }

    [Fact]
    public async Task Train_FiniteModelThatCanWriteNothing_IsNotSaidToRepeatItself()
    {
        CliRun run = await Train("--data", _folder["prose.txt"], "--steps", "60", "--lr", "1e15", "--max-norm", "inf", "--coherence-every", "1", "--out", _folder["run"]);
        Assert.Equal((ExitCode.Incoherent, ""), (run.ExitCode, run.Error));
        Assert.Matches(@"Halted at step \d+: the model could write nothing, and scored low 5 times in a row; the checkpoint is kept in \S+\. There is none", run.Output);
    }

    [Theory]
    [InlineData("/runs/1", false, "/runs/1")]
    [InlineData("/my runs/1", false, "'/my runs/1'")]
    [InlineData("/it's", false, @"'/it'\''s'")]
    [InlineData("/a$b", false, "'/a$b'")]
    [InlineData(@"/a\b", false, @"'/a\b'")]
    [InlineData(@"C:\runs\1", true, @"C:\runs\1")]
    [InlineData(@"C:\my runs\1", true, @"""C:\my runs\1""")]
    public void Path_InACommandToCopy_IsOneWordOfTheShell(string path, bool isWindows, string expected) => Assert.Equal(expected, ShellWord.Of(path, isWindows));

    [Fact]
    public async Task Train_ModelIsNotFinite_SaysSoAndThatNoCheckpointIsOfUse()
    {
        File.WriteAllText(_folder["text.txt"], string.Concat(Enumerable.Repeat("some text to read. ", 100)));
        CliRun run = await Train(
            "--data", _folder["text.txt"], "--steps", "50", "--lr", "1e30", "--max-norm", "inf", "--non-finite", "propagate", "--coherence-every", "3", "--out", _folder["run"]);
        Assert.Equal((ExitCode.Incoherent, ""), (run.ExitCode, run.Error));
        Assert.Matches(
            @"Halted at step 15: the model holds NaN or Inf and can write nothing; the checkpoint in \S+ is kept to be looked at, not to be gone on with. There is none", run.Output);
        CliRun resumed = await Train(["--resume", _folder["run"]], preset: false);
        Assert.Contains("Every checkpoint in the folder", resumed.FailedWith(ExitCode.Failed), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lab_Curriculum_PrintsARowForEachWayToChoose()
    {
        CliRun run = (await CliRun.Of("lab", "curriculum", "--steps", "10", "--seeds", "1", "--threads", "1")).Succeeded();
        foreach (string arm in (string[])["by share", "bandit, loss drop", "bandit, progress"])
            Assert.Matches($@"(?m)^{arm} +\d+% +\d+% +\d+% +\d\.\d+ \(\d\.\d+ to \d\.\d+\) +\d\.\d+ +\d\.\d+\r?$", run.Output);
    }

    private Task<CliRun> Train(params string[] arguments) => Train(arguments, preset: true);

    private static Task<CliRun> Train(string[] arguments, bool preset) =>
        CliRun.Of(["train", .. preset ? (string[])["--preset", "tiny", "--batch", "2", "--context", "16"] : [], "--sample-tokens", "0", "--threads", "1", .. arguments]);

    private byte[] Checkpoint(string run) => File.ReadAllBytes(_folder[$"{run}/checkpoints/step-000012/model.safetensors"]);
}
