using System.Text;
using System.Text.Json;
using Andrea.Cli;
using Andrea.Cli.Training;
using Andrea.Monitoring;
using Andrea.Reporting;
using Andrea.Tests.Support;
using Andrea.Training;

namespace Andrea.Tests.Cli;

public sealed class TrainCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Train_OnAFile_LeavesARunFolderThatSampleUnderstands()
    {
        string run = _folder["run"];
        CliRun train = (await Train("--steps", "12", "--out", run, "--log-every", "5", "--prompt", "the c", "--sample-tokens", "20")).Succeeded();
        string[] lines = train.Output.ReplaceLineEndings("\n").Split('\n');
        Assert.Contains(lines, line => line.StartsWith("Training tiny: ", StringComparison.Ordinal));
        foreach (int step in (int[])[1, 5, 10, 12])
            Assert.Contains(lines, line => line.StartsWith($"step {step}/12  loss ", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("Validation loss ", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("the c", StringComparison.Ordinal));

        string[] metrics = File.ReadAllLines(Path.Combine(run, "metrics.jsonl"));
        Assert.Equal(12, metrics.Count(line => line.Contains("\"loss\":", StringComparison.Ordinal)));
        Assert.All(metrics, line => JsonDocument.Parse(line).Dispose());

        SampleRecord written = Assert.Single(RunData.Read(run).Samples);
        Assert.Equal((12, "the c".Length + 20), (written.Step, written.Text.Length));
        Assert.StartsWith("the c", written.Text, StringComparison.Ordinal);
        Assert.Contains(written.Text.Split('\n')[0], lines);

        CliRun sample = (await CliRun.Of("sample", run, "--prompt", "the c", "--tokens", "30", "--seed", "5")).Succeeded();
        Assert.StartsWith("the c", sample.Output, StringComparison.Ordinal);
        Assert.Equal("the c".Length + 30, sample.Output.TrimEnd('\r', '\n').Length + TrailingLineBreaks(sample.Output));
        Assert.Equal(sample.Output, (await CliRun.Of("sample", run, "--prompt", "the c", "--tokens", "30", "--seed", "5")).Output);
        Assert.NotEqual(sample.Output, (await CliRun.Of("sample", run, "--prompt", "the c", "--tokens", "30", "--seed", "6")).Output);
    }

    [Fact]
    public async Task Resume_GoesOnWithTheSameBits()
    {
        (await Train("--steps", "8", "--schedule", "constant", "--out", _folder["straight"], "--sample-tokens", "0")).Succeeded();
        (await Train("--steps", "5", "--schedule", "constant", "--warmup", "0", "--out", _folder["parts"], "--sample-tokens", "0")).Succeeded();
        CliRun resumed = (await CliRun.Of("train", "--resume", _folder["parts"], "--steps", "8", "--sample-tokens", "0")).Succeeded();
        Assert.Contains("5 of 8 steps are done", resumed.Output, StringComparison.Ordinal);
        Assert.Equal(Checkpoint("straight", 8), Checkpoint("parts", 8));
    }

    [Fact]
    public async Task Resume_WithALimitThatThePolicyDoesNotLookAt_IsRefused()
    {
        (await Train("--steps", "1", "--clip-policy", "value", "--out", _folder["value"], "--sample-tokens", "0")).Succeeded();
        (await Train("--steps", "1", "--out", _folder["global"], "--sample-tokens", "0")).Succeeded();
        await Refuses("--max-norm does nothing with the clip policy value", "value", "--max-norm", "0.5");
        await Refuses("--clip-formula does nothing with the clip policy value", "value", "--clip-formula", "torch");
        await Refuses("--max-norm does nothing with the clip policy agc", "global", "--clip-policy", "agc", "--max-norm", "0.5");
        (await CliRun.Of("train", "--resume", _folder["value"], "--steps", "2", "--clip-policy", "global", "--max-norm", "0.5", "--sample-tokens", "0")).Succeeded();

        async Task Refuses(string sentence, string run, params string[] arguments) => Assert.Contains(
            sentence, (await CliRun.Of(["train", "--resume", _folder[run], "--steps", "2", "--sample-tokens", "0", .. arguments])).FailedWith(ExitCode.WrongUsage), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--sample-every", "3", 3, 6)]
    [InlineData("--sample-every", "4", 4, 6)]
    [InlineData("--sample-tokens", "0")]
    public async Task Train_Samples_AreEachWrittenOnce(string option, string value, params int[] expected)
    {
        (await Train("--steps", "6", "--out", _folder["run"], option, value)).Succeeded();
        Assert.Equal(expected, RunData.Read(_folder["run"]).Samples.Select(sample => (int)sample.Step));
    }

    [Fact]
    public async Task Resume_WithALowerRate_TakesTheFinalOneAlong()
    {
        (await Train("--steps", "2", "--lr", "1e-3", "--final-lr", "3e-4", "--out", _folder["run"], "--sample-tokens", "0")).Succeeded();
        await On("3");
        Assert.Equal((1e-3, 3e-4), Rates());
        await On("4", "--lr", "1e-4");
        Assert.Equal(1e-4, Rates().Largest);
        Assert.Equal(3e-5, Rates().Final, 12);
        await On("5", "--lr", "2e-4", "--final-lr", "1e-5");
        Assert.Equal((2e-4, 1e-5), Rates());

        async Task On(string steps, params string[] more) =>
            (await CliRun.Of(["train", "--resume", _folder["run"], "--steps", steps, "--sample-tokens", "0", .. more])).Succeeded();

        (double Largest, double Final) Rates()
        {
            TrainerOptions options = RunDescription.TryRead(_folder["run"])!.Options;
            return (options.LearningRate, options.FinalLearningRate);
        }
    }

    [Fact]
    public async Task Resume_WhenItIsUnknownWhatItTrainedOn_AsksForData()
    {
        (await Train("--steps", "2", "--out", _folder["run"], "--sample-tokens", "0")).Succeeded();
        File.Delete(Path.Combine(_folder["run"], DataChoice.FileName));
        CliRun without = await CliRun.Of("train", "--resume", _folder["run"], "--steps", "3");
        Assert.Contains("--data", without.FailedWith(ExitCode.WrongUsage), StringComparison.Ordinal);
        (await CliRun.Of("train", "--resume", _folder["run"], "--steps", "3", "--data", Book(), "--sample-tokens", "0")).Succeeded();
    }

    [Fact]
    public async Task Resume_OnOtherData_IsRefused()
    {
        (await Train("--steps", "2", "--out", _folder["run"], "--sample-tokens", "0")).Succeeded();
        string other = _folder["other.txt"];
        File.WriteAllText(other, string.Concat(Enumerable.Repeat("the cat sat on the rat. ", 200)));
        CliRun run = await CliRun.Of("train", "--resume", _folder["run"], "--steps", "3", "--data", other);
        Assert.Contains("fingerprint", run.FailedWith(ExitCode.Failed), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Train_IntoTheFolderOfAnotherRun_IsRefused()
    {
        (await Train("--steps", "2", "--out", _folder["run"], "--sample-tokens", "0")).Succeeded();
        CliRun again = await Train("--steps", "2", "--out", _folder["run"]);
        Assert.Contains("earlier run", again.FailedWith(ExitCode.Failed), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Train_MissingFile_NamesIt()
    {
        CliRun run = await CliRun.Of("train", "--data", _folder["nothing.txt"], "--out", _folder["run"]);
        Assert.Contains("nothing.txt", run.FailedWith(ExitCode.Failed), StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder["run"]));
    }

    [Fact]
    public async Task Train_DataShorterThanOneContext_SaysBothLengths()
    {
        File.WriteAllText(_folder["short.txt"], "short");
        CliRun run = await CliRun.Of("train", "--data", _folder["short.txt"], "--preset", "tiny", "--out", _folder["run"]);
        string line = run.FailedWith(ExitCode.Failed);
        Assert.Contains("64", line, StringComparison.Ordinal);
        Assert.Contains("context", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Train_InvalidUtf8_NamesFileAndOffset()
    {
        File.WriteAllBytes(_folder["bad.txt"], [.. Encoding.ASCII.GetBytes("good text, "), 0xFF, .. Encoding.ASCII.GetBytes("more")]);
        CliRun run = await CliRun.Of("train", "--data", _folder["bad.txt"], "--preset", "tiny", "--out", _folder["run"]);
        string line = run.FailedWith(ExitCode.Failed);
        Assert.Contains("bad.txt", line, StringComparison.Ordinal);
        Assert.Contains("offset 11", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sample_NoCheckpointOrADamagedOne_IsOneSentence()
    {
        CliRun nowhere = await CliRun.Of("sample", _folder["nowhere"]);
        Assert.Contains("nowhere", nowhere.FailedWith(ExitCode.Failed), StringComparison.Ordinal);

        (await Train("--steps", "1", "--out", _folder["run"], "--sample-tokens", "0")).Succeeded();
        string model = Path.Combine(CheckpointFolder("run", 1), "model.safetensors");
        byte[] bytes = File.ReadAllBytes(model);
        bytes[^5] ^= 1;
        File.WriteAllBytes(model, bytes);
        CliRun damaged = await CliRun.Of("sample", _folder["run"]);
        Assert.Contains("model.safetensors", damaged.FailedWith(ExitCode.Failed), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sample_PromptWithAnUnknownCharacter_NamesIt()
    {
        (await Train("--steps", "1", "--out", _folder["run"], "--sample-tokens", "0")).Succeeded();
        CliRun run = await CliRun.Of("sample", _folder["run"], "--prompt", "the @");
        Assert.Contains("U+0040", run.FailedWith(ExitCode.Failed), StringComparison.Ordinal);
        Assert.Equal("", run.Output);
    }

    [Fact]
    public async Task Train_OptionsReachTheCheckpoint()
    {
        (await Train(
            "--steps", "2", "--batch", "3", "--micro-batches", "2", "--context", "16", "--lr", "2e-3", "--max-norm", "inf", "--clip-policy", "adagc", "--seed", "9",
            "--weight-decay", "0.05", "--optimizer", "stable-spam", "--clip-formula", "torch", "--non-finite", "throw", "--schedule", "linear", "--eval-every", "1",
            "--checkpoint-every", "1", "--keep", "5", "--sample-every", "2", "--tokenizer", "byte", "--validation", "0.2", "--out", _folder["run"])).Succeeded();
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(Path.Combine(CheckpointFolder("run", 2), "state.json")));
        string text = json.RootElement.GetRawText();
        Assert.Contains("257", text, StringComparison.Ordinal);
        JsonElement options = json.RootElement.GetProperty("state").GetProperty("trainer");
        Assert.Equal(3, options.GetProperty("batchSize").GetInt32());
        Assert.Equal(2, options.GetProperty("microBatches").GetInt32());
        Assert.Equal(2e-3, options.GetProperty("learningRate").GetDouble());
        // The preset ends at a tenth of its largest rate.
        Assert.Equal(2e-4, options.GetProperty("finalLearningRate").GetDouble(), 12);
        Assert.Equal("stableSpam", options.GetProperty("optimizer").GetProperty("stabilizer").GetProperty("kind").GetString());
        Assert.Equal(0.05, options.GetProperty("optimizer").GetProperty("weightDecay").GetDouble());
        Assert.Equal("adagc", options.GetProperty("clip").GetProperty("policy").GetProperty("kind").GetString());
        Assert.Equal(9ul, options.GetProperty("seed").GetUInt64());
        Assert.Equal(16, json.RootElement.GetProperty("state").GetProperty("config").GetProperty("contextLength").GetInt32());
        Assert.True(Directory.Exists(CheckpointFolder("run", 1)));
    }

    [Fact]
    public async Task Train_WithoutData_TakesTheBuiltInCorpus_AndResumeFindsItAgain()
    {
        string[] common = ["--sample-tokens", "0", "--threads", "1"];
        CliRun run = (await CliRun.Of(["train", "--preset", "tiny", "--batch", "1", "--steps", "1", "--out", _folder["run"], .. common])).Succeeded();
        Assert.Contains("Reading the built-in corpus.", run.Output, StringComparison.Ordinal);
        Assert.Contains("1,350,000 tokens to train on, 150,000 to measure on", run.Output, StringComparison.Ordinal);
        (await CliRun.Of(["train", "--resume", _folder["run"], "--steps", "2", .. common])).Succeeded();
        Assert.True(Directory.Exists(CheckpointFolder("run", 2)));
    }

    [Fact]
    public void BuiltInCorpus_TunesItsUsualPresetOnly()
    {
        Preset tuned = BuiltInRun.Tune(Preset.Chars);
        Assert.Equal((Preset.Chars.Name, Preset.Chars.Config), (tuned.Name, tuned.Config));
        Assert.Equal((4_000, 4e-3), (tuned.Options.Steps, tuned.Options.LearningRate));
        Assert.Same(Preset.Tiny, BuiltInRun.Tune(Preset.Tiny));
    }

    [Fact]
    public async Task Resume_OfAForeignFolder_IsRefusedForWhatItIs()
    {
        Directory.CreateDirectory(CheckpointFolder("foreign", 1));
        File.WriteAllText(Path.Combine(CheckpointFolder("foreign", 1), "state.json"), "{}");
        CliRun run = await CliRun.Of("train", "--resume", _folder["foreign"]);
        Assert.Contains("state.json", run.FailedWith(ExitCode.Failed), StringComparison.Ordinal);
    }

    [Fact]
    public void NextRunFolder_IsTheFirstFreeNumber()
    {
        Assert.Equal(_folder["tiny-1"], RunFolders.Next("tiny", _folder.Path));
        Directory.CreateDirectory(_folder["tiny-1"]);
        Directory.CreateDirectory(_folder["tiny-3"]);
        Assert.Equal(_folder["tiny-2"], RunFolders.Next("tiny", _folder.Path));
    }

    [Fact]
    public void DataChoice_RoundTrips()
    {
        var choice = DataChoice.OfFiles(["a.txt", "-"], 0.25);
        choice.WriteTo(_folder["run"]);
        DataChoice read = DataChoice.ReadFrom(_folder["run"])!;
        Assert.Equal([Path.GetFullPath("a.txt"), "-"], read.Paths);
        Assert.Equal(0.25, read.ValidationFraction);
        Assert.Null(DataChoice.ReadFrom(_folder["elsewhere"]));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("""{"paths":null}""")]
    [InlineData("""{"paths":[null]}""")]
    [InlineData("""{"paths":[""]}""")]
    [InlineData("""{"paths":["a\u0000b"]}""")]
    [InlineData("""{"paths":"book.txt"}""")]
    [InlineData("""{"characters":-1}""")]
    [InlineData("""{"validationFraction":1}""")]
    [InlineData("""{"validationFraction":-0.5}""")]
    public void DataChoice_OfNonsense_IsRefusedInOneSentence(string json)
    {
        Directory.CreateDirectory(_folder["run"]);
        File.WriteAllText(Path.Combine(_folder["run"], DataChoice.FileName), json);
        string message = Assert.Throws<CommandException>(() => DataChoice.ReadFrom(_folder["run"])).Message;
        Assert.Contains("data.json' is damaged (", message, StringComparison.Ordinal);
        Assert.EndsWith("); delete it and give --data again.", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Train_PromptWithAnUnknownCharacter_IsRefusedBeforeAnythingIsWritten()
    {
        CliRun run = await Train("--steps", "1", "--out", _folder["run"], "--prompt", "the @");
        Assert.Contains("U+0040", run.FailedWith(ExitCode.Failed), StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder["run"]));
    }

    [Fact]
    public async Task Diverged_TrainAndSample_SayThatNothingCanBeDrawn()
    {
        // A step of this size makes every parameter that it moves too large for a finite product.
        CliRun train = await Train(
            "--steps", "3", "--lr", "1e38", "--schedule", "constant", "--warmup", "0", "--non-finite", "propagate", "--out", _folder["run"]);
        Assert.Contains("so nothing can be drawn", train.FailedWith(ExitCode.Failed), StringComparison.Ordinal);
        Assert.DoesNotContain("did not expect", train.Error, StringComparison.Ordinal);
        CliRun meanwhile = await Train(
            "--steps", "3", "--lr", "1e38", "--schedule", "constant", "--warmup", "0", "--non-finite", "propagate", "--sample-every", "2",
            "--out", _folder["meanwhile"]);
        Assert.StartsWith("The logit of token 0 is NaN", meanwhile.FailedWith(ExitCode.Failed), StringComparison.Ordinal);
        CliRun sample = await CliRun.Of("sample", CheckpointFolder("run", 3));
        Assert.Contains("so nothing can be drawn", sample.FailedWith(ExitCode.Failed), StringComparison.Ordinal);
        Assert.DoesNotContain("did not expect", sample.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Train_NonFiniteThrow_NamesTheOptionThatSkips()
    {
        CliRun run = await Train(
            "--steps", "5", "--lr", "1e38", "--schedule", "constant", "--warmup", "0", "--non-finite", "throw", "--out", _folder["run"]);
        string line = run.FailedWith(ExitCode.Failed);
        Assert.Contains("--non-finite skip", line, StringComparison.Ordinal);
        Assert.DoesNotContain("NonFinitePolicy", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Resume_OfAFinishedRun_SaysSo_AndWithFewerStepsIsWrongUsage()
    {
        (await Train("--steps", "3", "--out", _folder["run"], "--sample-tokens", "0")).Succeeded();
        byte[] description = File.ReadAllBytes(Path.Combine(_folder["run"], RunDescription.FileName));
        CliRun finished = (await CliRun.Of("train", "--resume", _folder["run"])).Succeeded();
        Assert.Equal(description, File.ReadAllBytes(Path.Combine(_folder["run"], RunDescription.FileName)));
        Assert.Contains("The run is finished: all 3 steps are done", finished.Output, StringComparison.Ordinal);
        CliRun fewer = await CliRun.Of("train", "--resume", _folder["run"], "--steps", "2");
        Assert.Contains("3", fewer.FailedWith(ExitCode.WrongUsage), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Resume_OfACheckpointOutsideARun_AsksWhereToWrite()
    {
        (await Train("--steps", "2", "--out", _folder["run"], "--sample-tokens", "0")).Succeeded();
        Directory.Move(CheckpointFolder("run", 2), _folder["alone"]);
        string[] resume = ["train", "--resume", _folder["alone"], "--steps", "3", "--data", Book(), "--sample-tokens", "0"];
        Assert.Contains("--out", (await CliRun.Of(resume)).FailedWith(ExitCode.WrongUsage), StringComparison.Ordinal);
        (await CliRun.Of([.. resume, "--out", _folder["on"]])).Succeeded();
        Assert.True(Directory.Exists(CheckpointFolder("on", 3)));
    }

    [Fact]
    public void DataChoice_BuiltInCorpus_IsTheSameAgain()
    {
        DataChoice choice = DataChoice.OfBuiltInCorpus(0.1) with { Characters = 20_000 };
        Andrea.Data.TokenDataset first = choice.Open("char");
        Assert.Equal(20_000, first.Training.Length + first.Validation.Length);
        Assert.Equal(first.Fingerprint, choice.Open(first.Tokenizer).Fingerprint);
    }

    private static int TrailingLineBreaks(string output)
    {
        // The model may have ended with a line break of its own; the command adds one.
        string text = output.ReplaceLineEndings("\n");
        return text.Length - text.TrimEnd('\n').Length - 1;
    }

    private async Task<CliRun> Train(params string[] arguments) =>
        await CliRun.Of(["train", "--data", Book(), "--preset", "tiny", "--threads", "1", .. arguments]);

    private string Book()
    {
        string path = _folder["book.txt"];
        if (!File.Exists(path))
            File.WriteAllText(path, string.Concat(Enumerable.Repeat("the cat sat on the mat and the dog ran to the cat. ", 60)));
        return path;
    }

    private string CheckpointFolder(string run, int step) => Path.Combine(_folder[run], "checkpoints", $"step-{step:D6}");

    private byte[] Checkpoint(string run, int step) =>
        [.. File.ReadAllBytes(Path.Combine(CheckpointFolder(run, step), "model.safetensors")),
            .. File.ReadAllBytes(Path.Combine(CheckpointFolder(run, step), "optimizer.safetensors"))];
}
