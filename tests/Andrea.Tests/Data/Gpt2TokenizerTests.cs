using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Andrea.Data;
using Andrea.Data.Gpt2;
using Andrea.Numerics;
using Andrea.Tests.Support;

namespace Andrea.Tests.Data;

public sealed partial class Gpt2TokenizerTests : IDisposable
{
    /// <summary>A folder with GPT-2's own vocab.json and merges.txt (or encoder.json and vocab.bpe), or a .tiktoken file.</summary>
    private const string FilesVariable = "ANDREA_GPT2_FILES";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    // h e -> he, l l -> ll, he ll -> hell, hell o -> hello.
    [InlineData("hello", "hello")]
    [InlineData(" world", "Ġwo|r|l|d")]
    [InlineData("hell", "hell")]
    [InlineData("hel", "he|l")]
    [InlineData("aaa", "aa|a")]
    [InlineData("aaaaaaa", "aaaa|aa|a")]
    [InlineData("é", "Ã©")]
    [InlineData("   wo", "ĠĠ|Ġwo")]
    [InlineData("  ", "ĠĠ")]
    [InlineData("19 19", "19|Ġ|19")]
    [InlineData("<|endoftext|>", "<|||e|n|d|o|f|t|e|x|t|||>")]
    public void Encode_SmallVocabulary_IsWhatMergingByHandGives(string text, string expected)
    {
        string[] names = [.. SmallGpt2.Tokens];
        foreach (Tokenizer tokenizer in Both())
        {
            IEnumerable<string> found = tokenizer.Encode(text).Select(token => names[token]);
            Assert.Equal(expected.Replace("|||", "|PIPE|", StringComparison.Ordinal).Split('|').Select(name => name == "PIPE" ? "|" : name), found);
        }
    }

    [Fact]
    public void Vocabulary_HasTheMarkAtItsEnd()
    {
        foreach (Tokenizer tokenizer in Both())
        {
            Assert.Equal("gpt2", tokenizer.Kind);
            Assert.Equal((SmallGpt2.Mark + 1, SmallGpt2.Mark), (tokenizer.VocabularySize, tokenizer.BeginningOfText));
            Assert.Equal(0, tokenizer.BytesOf(SmallGpt2.Mark).Length);
            Assert.Equal("a", tokenizer.Decode([SmallGpt2.Mark, 'a' - '!', SmallGpt2.Mark]));
            Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.BytesOf(SmallGpt2.Mark + 1).Length);
        }
    }

    [Fact]
    public void Bytes_Any_RoundTripInAnyPieces()
    {
        Tokenizer tokenizer = Tokenizer.Load(SmallGpt2.Write(_folder));
        Properties.Hold(Properties.Bytes, bytes =>
        {
            int[] tokens = tokenizer.Encode(bytes);
            Assert.Equal(bytes, tokenizer.DecodeToBytes(tokens));
            for (int length = 1; length <= 4; length++)
                Assert.Equal(tokens, EncodedPieces.Of(tokenizer, bytes, length));
        });
        byte[] text = Encoding.UTF8.GetBytes("he'll say: 'hello'\u00A0 \r\n\n\t  we've  \u00E9t\u00E9 19 '" + new string(' ', 90) + "x'r");
        for (int length = 1; length <= 40; length++)
            Assert.Equal(tokenizer.Encode(text), EncodedPieces.Of(tokenizer, text, length));
    }

    [Fact]
    public void Pieces_OfText_AreThoseOfTheRegularExpression()
    {
        string[] parts = ["a", "bc", " ", "  ", "\n", "\t", "'", "'s", "'re", "'l", "l", "S", "1", "½", "²", "é", "日本", "—", "😀", "\u00A0", "\u0301", "!", ".,", "\r\n", "\u2003", "\0"];
        var random = new Philox(11, 0);
        for (int test = 0; test < 5000; test++)
        {
            string text = string.Concat(Enumerable.Range(0, 1 + (int)(random.NextUInt32() % 12)).Select(_ => parts[random.NextUInt32() % parts.Length]));
            Assert.Equal(OpenAiPattern().Matches(text).Select(match => match.Value), Pieces(text));
        }

        static IEnumerable<string> Pieces(string text)
        {
            byte[] utf8 = Encoding.UTF8.GetBytes(text);
            for (int start = 0, length; start < utf8.Length; start += length)
            {
                length = Gpt2Pieces.FirstLength(utf8.AsSpan(start), isFinal: true);
                yield return Encoding.UTF8.GetString(utf8, start, length);
            }
        }
    }

    [Fact]
    public void Merges_OfShortAndLongPieces_AreThoseOfThePlainAlgorithm()
    {
        var merges = new PairMerges();
        var rules = new Dictionary<(int, int), (int Rank, int Token)>();
        var random = new Philox(5, 0);
        for (int rank = 0; rank < 60; rank++)
        {
            (int left, int right) = ((int)(random.NextUInt32() % (uint)(4 + rank)), (int)(random.NextUInt32() % (uint)(4 + rank)));
            merges.Add(left, right, rank, 4 + rank);
            rules.TryAdd((left, right), (rank, 4 + rank));
        }
        for (int test = 0; test < 300; test++)
        {
            int[] tokens = [.. Enumerable.Range(0, 1 + (int)(random.NextUInt32() % 150)).Select(_ => (int)(random.NextUInt32() % 4))];
            List<int> expected = [.. tokens];
            while (Enumerable.Range(0, expected.Count - 1).Where(i => rules.ContainsKey((expected[i], expected[i + 1]))).ToArray() is { Length: > 0 } places)
            {
                int best = places.MinBy(i => rules[(expected[i], expected[i + 1])].Rank);
                expected[best] = rules[(expected[best], expected[best + 1])].Token;
                expected.RemoveAt(best + 1);
            }
            int count = merges.Apply(tokens);
            Assert.Equal(expected, tokens[..count]);
        }
    }

    [Fact]
    public void Encode_AMillionTimesOneLetter_IsNotQuadratic()
    {
        // Were it quadratic, this would be hours.
        int[] tokens = Tokenizer.Load(SmallGpt2.Write(_folder)).Encode(new string('a', 1_000_003));
        Assert.Equal(250_000 + 2, tokens.Length);
    }

    [Fact]
    public void Json_OfBothForms_IsTheSameTokenizer()
    {
        foreach (Tokenizer tokenizer in Both())
        {
            string path = _folder["saved.json"];
            tokenizer.Save(path);
            Tokenizer read = Assert.IsType<Gpt2Tokenizer>(Tokenizer.Load(path));
            Assert.Equal((tokenizer.VocabularySize, tokenizer.BeginningOfText), (read.VocabularySize, read.BeginningOfText));
            Assert.Equal(tokenizer.Encode(" hello aaaa wow é"), read.Encode(" hello aaaa wow é"));
        }
    }

    [Fact]
    public void Files_ByTheirFirstNamesAndByFolder_AreFound()
    {
        SmallGpt2.Write(_folder, "encoder.json", "vocab.bpe");
        Assert.Equal(SmallGpt2.Mark, Tokenizer.Load(_folder["encoder.json"]).BeginningOfText);
        Assert.Equal(SmallGpt2.Mark, Tokenizer.Load(_folder.Path).BeginningOfText);
        File.Delete(_folder["vocab.bpe"]);
        Assert.Throws<FileNotFoundException>(() => Tokenizer.Load(_folder.Path));
    }

    [Theory]
    [InlineData("vocab.json", "[]", "it is not a JSON object from tokens to whole numbers")]
    [InlineData("vocab.json", """{"a":0.5}""", "it is not a JSON object from tokens to whole numbers")]
    [InlineData("vocab.json", """{"a":1}""", "token 'a' has the number 1; expected each number from 0 to 0 once")]
    [InlineData("vocab.json", """{"日":0}""", "token '日' has a character that stands for no byte")]
    [InlineData("merges.txt", "h e\nq q\n", "line 2 is 'q q'; expected two tokens of")]
    [InlineData("merges.txt", "h\n", "line 1 is 'h'; expected two tokens of")]
    public void Files_Damaged_AreRefused(string file, string content, string message)
    {
        string vocabulary = SmallGpt2.Write(_folder);
        _folder.Write(file, Encoding.UTF8.GetBytes(content));
        Assert.Contains(message, Assert.Throws<TrainingDataException>(() => Tokenizer.Load(vocabulary)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "the numbers of its 0 tokens are not those from 0 up")]
    [InlineData("YQ== 1\n", "the numbers of its 1 tokens are not those from 0 up")]
    [InlineData("YQ== 0\nYg== 0\n", "line 2 is 'Yg== 0'")]
    [InlineData("Y 0\n", "line 1 is 'Y 0'")]
    [InlineData("YQ== 0\n", "it has no token for byte 0x00")]
    public void Tiktoken_Damaged_IsRefused(string content, string message)
    {
        string path = _folder.Write("x.tiktoken", Encoding.UTF8.GetBytes(content));
        Assert.Contains(message, Assert.Throws<TrainingDataException>(() => Tokenizer.Load(path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"kind":"gpt2"}""", "has no array 'tokens'")]
    [InlineData("""{"kind":"gpt2","tokens":["日"]}""", "a character that stands for no byte")]
    [InlineData("""{"kind":"gpt2","tokens":["a","a"]}""", "has two tokens of the same bytes")]
    [InlineData("""{"kind":"gpt2","tokens":["a",""]}""", "has no bytes for token 1")]
    [InlineData("""{"kind":"gpt2","tokens":["a"],"merges":3}""", "has no array 'merges'")]
    [InlineData("""{"kind":"gpt2","tokens":["a"],"merges":[0,1]}""", "something in 'merges' that is none of its 1 tokens")]
    [InlineData("""{"kind":"gpt2","tokens":["a"],"endOfText":1}""", "something in 'endOfText' that is none of its 1 tokens")]
    public void Json_Damaged_IsRefused(string json, string message)
    {
        var exception = Assert.Throws<TrainingDataException>(() => Tokenizer.Read(JsonDocument.Parse(json).RootElement));
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    /// <summary>Tokens that OpenAI's and others' encoders give, as their documentation and tests print them.</summary>
    [Theory]
    [InlineData("Hello world", new[] { 15496, 995 })]
    [InlineData("hello world", new[] { 31373, 995 })]
    [InlineData("hello, world! It's a test", new[] { 31373, 11, 995, 0, 632, 338, 257, 1332 })]
    public void Encode_WithTheFilesOfGpt2_GivesPublishedTokens(string text, int[] expected)
    {
        string? files = Environment.GetEnvironmentVariable(FilesVariable);
        Assert.SkipWhen(files is null, $"{FilesVariable} names no folder with GPT-2's files, which Andrea does not bring.");
        Tokenizer tokenizer = Tokenizer.Load(files!);
        Assert.Equal((50_257, 50_256), (tokenizer.VocabularySize, tokenizer.BeginningOfText));
        Assert.Equal(expected, tokenizer.Encode(text));
    }

    private IEnumerable<Tokenizer> Both() => [Tokenizer.Load(SmallGpt2.Write(_folder)), Tokenizer.Load(SmallGpt2.WriteTiktoken(_folder))];

    // \s, \p{L} and \p{N} of .NET are those of the original, but for characters outside the first plane, which the test has as \p{So} only.
    [GeneratedRegex(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")]
    private static partial Regex OpenAiPattern();
}
