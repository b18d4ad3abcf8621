using System.Text;
using Andrea.Cli;
using Andrea.Data;
using Andrea.Tests.Data;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cli;

public sealed class TokenizerCommandTests : IDisposable
{
    private static readonly Lazy<byte[]> Corpus = new(() => Encoding.UTF8.GetBytes(BuiltInCorpus.Generate(seed: 3, characters: 60_000)));

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Train_OnFiles_WritesSegmentsAndSaysWhatATokenHolds()
    {
        CliRun train = (await Train("--size", "300")).Succeeded();
        Assert.Contains("300 segments, vocabulary 557, learned from 52.7 KiB in ", train.Output, StringComparison.Ordinal);
        Assert.Matches(@"bytes per token: [2-5]\.\d\d on that text, [2-5]\.\d\d on the 5\.9 KiB held back", train.Output);
        Assert.Contains("most used: ", train.Output, StringComparison.Ordinal);
        Assert.Equal(557, Tokenizer.Load(Segments).VocabularySize);

        // What is held back is not learned from.
        (await Train("--size", "300", "--validation", "0")).Succeeded();
        byte[] all = File.ReadAllBytes(Segments);
        HarrisTokenizer.FromSource(TextSource.FromFiles(_folder["a.txt"]), 300).Save(Segments);
        Assert.Equal(File.ReadAllBytes(Segments), all);
    }

    [Fact]
    public async Task EncodeAndDecode_AnyBytes_ComeBack()
    {
        (await Train("--size", "300")).Succeeded();
        string data = _folder.Write("data", [0xFF, 0, .. Corpus.Value.AsSpan(0, 5000), 0xC3]);
        CliRun encoded = (await CliRun.Of("tokenizer", "encode", data, "--tokenizer", Segments)).Succeeded();
        string ids = _folder.Write("ids.txt", Encoding.UTF8.GetBytes(encoded.Output));
        CliRun decoded = (await CliRun.Of("tokenizer", "decode", ids, "--tokenizer", Segments, "--out", _folder["back"])).Succeeded();
        Assert.Equal("", decoded.Output);
        Assert.Equal(File.ReadAllBytes(data), File.ReadAllBytes(_folder["back"]));
    }

    [Fact]
    public async Task Encode_WithTheFilesOfGpt2_GivesALineForEachLine()
    {
        string text = _folder.Write("text", "hello wo\naa | \\ é\n"u8), vocabulary = SmallGpt2.Write(_folder);
        int[] tokens = Tokenizer.Load(vocabulary).Encode("hello wo\naa | \\ é\n");
        CliRun ids = (await CliRun.Of("tokenizer", "encode", text, "--tokenizer", vocabulary)).Succeeded();
        string[] lines = ids.Output.ReplaceLineEndings("\n").Split('\n');
        Assert.Equal(3, lines.Length);
        Assert.Equal(tokens, ids.Output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(int.Parse));
        CliRun segments = (await CliRun.Of("tokenizer", "encode", text, "--tokenizer", vocabulary, "--segments")).Succeeded();
        Assert.Equal("hello| wo|\\n\naa| |\\|| |\\\\| |é|\\n\n", segments.Output.ReplaceLineEndings("\n"));
    }

    [Fact]
    public async Task Encode_HalfCharacters_AreShownAsBytes()
    {
        string text = _folder.Write("text", [.. "a\t"u8, 0xE2, 0x82, 0xAC, 0x1B]);
        CliRun segments = (await CliRun.Of("tokenizer", "encode", text, "--tokenizer", "byte", "--segments")).Succeeded();
        Assert.Equal(@"a|\t|\xE2|\x82|\xAC|\u001B", segments.Output.Trim());
    }

    [Theory]
    [InlineData("1 2 x", "Number 3 of the input is 'x'; expected tokens of the byte tokenizer, 0 to 256.")]
    [InlineData("257", "Number 1 of the input is '257'; expected tokens of the byte tokenizer, 0 to 256.")]
    [InlineData("-1", "Number 1 of the input is '-1'; expected tokens of the byte tokenizer, 0 to 256.")]
    public async Task Decode_WhatIsNoToken_SaysSo(string ids, string message)
    {
        string path = _folder.Write("ids", Encoding.UTF8.GetBytes(ids));
        Assert.Equal(message, (await CliRun.Of("tokenizer", "decode", path, "--tokenizer", "byte", "--out", _folder["x"])).FailedWith(ExitCode.Failed));
    }

    [Fact]
    public async Task Commands_WithoutWhatTheyNeed_SaySo()
    {
        string text = _folder.Write("a.txt", "the cat the cat the"u8), none = _folder["none"];
        Assert.Equal(
            "The text has only 2 segments that occur more than once, and 2048 were asked for; choose 2, or give more text.",
            (await CliRun.Of("tokenizer", "train", text, "--validation", "0", "--out", Segments)).FailedWith(ExitCode.Failed));
        Assert.False(File.Exists(Segments));
        Assert.StartsWith($"'{_folder.Path}' is a folder; ", (await CliRun.Of("tokenizer", "train", text, "--out", _folder.Path)).FailedWith(ExitCode.Failed), StringComparison.Ordinal);
        // Before anything is read.
        Assert.Equal(
            $"There is no folder '{none}' to write x.json into; make it, or choose another place with --out.",
            Sentence(await CliRun.Of("tokenizer", "train", none, "--out", Path.Combine(none, "x.json"))));
        string empty = _folder.Write("empty.txt", []), letter = _folder.Write("letter.txt", "a"u8);
        Assert.Equal($"There is not one character in '{empty}'; give data with text in it.", Sentence(await CliRun.Of("tokenizer", "train", empty, "--out", Segments)));
        Assert.StartsWith("The whole text is held back ", Sentence(await CliRun.Of("tokenizer", "train", letter, "--validation", "0.99", "--out", Segments)), StringComparison.Ordinal);
        Assert.StartsWith($"There is no file '{none}'", Sentence(await CliRun.Of("tokenizer", "train", none)), StringComparison.Ordinal);
        Assert.StartsWith($"There is no tokenizer '{none}'; ", Sentence(await CliRun.Of("tokenizer", "encode", text, "--tokenizer", none)), StringComparison.Ordinal);
        Assert.StartsWith($"There is no file '{none}'", Sentence(await CliRun.Of("tokenizer", "encode", none, "--tokenizer", "byte")), StringComparison.Ordinal);
        Assert.Contains("is no tokenizer: it is not JSON", Sentence(await CliRun.Of("tokenizer", "decode", "--tokenizer", text)), StringComparison.Ordinal);
        Assert.Contains("from 1 to 65279", (await CliRun.Of("tokenizer", "train", text, "--size", "0")).FailedWith(ExitCode.WrongUsage), StringComparison.Ordinal);
        Assert.Contains("choose one of train, encode, decode", (await CliRun.Of("tokenizer")).FailedWith(ExitCode.WrongUsage), StringComparison.Ordinal);

        static string Sentence(CliRun run) => run.FailedWith(ExitCode.Failed);
    }

    [Fact]
    public async Task Run_WithMorphemes_IsTrainedResumedAndSampled()
    {
        string data = _folder.Write("a.txt", Corpus.Value);
        string[] options = ["--preset", "tiny", "--data", data, "--schedule", "constant", "--warmup", "0", "--sample-tokens", "0", "--context", "32"];
        CliRun train = (await CliRun.Of(["train", "--tokenizer", "harris-300", "--steps", "4", "--out", _folder["straight"], .. options])).Succeeded();
        Assert.Contains("vocabulary 557", train.Output, StringComparison.Ordinal);
        (await CliRun.Of(["train", "--tokenizer", "HARRIS-300", "--steps", "2", "--out", _folder["parts"], .. options])).Succeeded();
        (await CliRun.Of("train", "--resume", _folder["parts"], "--steps", "4", "--sample-tokens", "0")).Succeeded();
        Assert.Equal(Weights("straight"), Weights("parts"));
        CliRun sample = (await CliRun.Of("sample", _folder["parts"], "--prompt", "The ", "--tokens", "10")).Succeeded();
        Assert.StartsWith("The ", sample.Output, StringComparison.Ordinal);

        // A saved one gives the same run.
        HarrisTokenizer.FromSource(TextSource.FromFiles(data), 300).Save(Segments);
        (await CliRun.Of(["train", "--tokenizer", Segments, "--steps", "4", "--out", _folder["saved"], .. options])).Succeeded();
        Assert.Equal(Weights("straight"), Weights("saved"));
    }

    [Fact]
    public async Task Run_WithTheFilesOfGpt2_IsTrainedAndSampled()
    {
        string data = _folder.Write("a.txt", Corpus.Value), vocabulary = SmallGpt2.Write(_folder);
        CliRun train = (await CliRun.Of(
            "train", "--preset", "tiny", "--data", data, "--tokenizer", vocabulary, "--steps", "2", "--out", _folder["run"], "--sample-tokens", "0")).Succeeded();
        Assert.Contains($"vocabulary {SmallGpt2.Mark + 1}", train.Output, StringComparison.Ordinal);
        (await CliRun.Of("train", "--resume", _folder["run"], "--steps", "3", "--sample-tokens", "0")).Succeeded();
        (await CliRun.Of("sample", _folder["run"], "--tokens", "5")).Succeeded();
    }

    private string Segments => _folder[HarrisTokenizer.FileName];

    private async Task<CliRun> Train(params string[] options) =>
        await CliRun.Of(["tokenizer", "train", _folder.Write("a.txt", Corpus.Value), "--out", Segments, .. options]);

    private byte[] Weights(string run) => File.ReadAllBytes(Directory.GetFiles(_folder[run], "model.safetensors", SearchOption.AllDirectories).Order(StringComparer.Ordinal).Last());
}
