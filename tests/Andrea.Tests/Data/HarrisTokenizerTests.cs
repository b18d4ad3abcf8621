using System.Text;
using Andrea.Data;
using Andrea.Data.Harris;
using Andrea.Tests.Support;

namespace Andrea.Tests.Data;

public sealed class HarrisTokenizerTests : IDisposable
{
    private static readonly Lazy<string> Corpus = new(() => BuiltInCorpus.Generate(seed: 3, characters: 200_000));
    private static readonly Lazy<HarrisTokenizer> Learned = new(() => HarrisTokenizer.FromText(Corpus.Value, 500));

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Ids_AreBytesThenTheMarkThenSegments()
    {
        HarrisTokenizer tokenizer = Learned.Value;
        Assert.Equal((500, 757, 256), (tokenizer.SegmentCount, tokenizer.VocabularySize, tokenizer.BeginningOfText));
        for (int token = 0; token < 256; token++)
            Assert.Equal([(byte)token], tokenizer.BytesOf(token).ToArray());
        Assert.Equal(0, tokenizer.BytesOf(256).Length);
        for (int token = 257; token < 757; token++)
            Assert.InRange(tokenizer.BytesOf(token).Length, 2, WordScanner.MaxLength + 1);
    }

    [Theory]
    [InlineData(2048, 2305)]
    [InlineData(4096, 4353)]
    [InlineData(8192, 8449)]
    [InlineData(16384, 16641)]
    public void Sizes_OfAndrea_GiveItsVocabularies(int segments, int vocabulary)
    {
        byte[][] strings = [.. Enumerable.Range(0, segments).Select(i => Encoding.UTF8.GetBytes($"{i:x4}"))];
        Assert.Equal(vocabulary, HarrisTokenizer.FromSegments(strings).VocabularySize);
    }

    [Fact]
    public void Bytes_Any_RoundTripWithoutLoss() => Properties.Hold(Properties.Bytes, bytes =>
        Assert.Equal(bytes, Learned.Value.DecodeToBytes(Learned.Value.Encode(bytes))));

    [Fact]
    public void Pieces_CutAnywhere_GiveTheTokensOfTheWhole()
    {
        byte[] text = [.. Encoding.UTF8.GetBytes(Corpus.Value[1000..3000]), 0xC3, (byte)' ', 0xFF, .. "  the"u8];
        int[] whole = Learned.Value.Encode(text);
        foreach (int length in (int[])[1, 2, 3, 5, 7, 16, 100, 1999])
            Assert.Equal(whole, EncodedPieces.Of(Learned.Value, text, length));
        Properties.Hold(Properties.Bytes, bytes => Assert.Equal(Learned.Value.Encode(bytes), EncodedPieces.Of(Learned.Value, bytes, 1)));
    }

    [Fact]
    public void Encode_TakesTheLongestSegmentAndElseAByte()
    {
        HarrisTokenizer tokenizer = HarrisTokenizer.FromSegments([.. new[] { "un", "unhappy", "happi", "ness" }.Select(Encoding.UTF8.GetBytes)]);
        Assert.Equal([258], tokenizer.Encode("unhappy"));
        Assert.Equal([257, 259, 260], tokenizer.Encode("unhappiness"));
        Assert.Equal([257, 'h', 'a', 'p', 'p'], tokenizer.Encode("unhapp"));
        Assert.Equal(['x', 257, 'X'], tokenizer.Encode("xunX"));
    }

    [Fact]
    public void Encode_OfText_IsALongestMatchWrittenPlainly()
    {
        HarrisTokenizer tokenizer = Learned.Value;
        Dictionary<string, int> segments = Enumerable.Range(257, 500).ToDictionary(token => Encoding.Latin1.GetString(tokenizer.BytesOf(token)));
        string text = Corpus.Value[50_000..52_000];
        var expected = new List<int>();
        for (int i = 0, length; i < text.Length; i += length)
        {
            length = Enumerable.Range(2, 70).Reverse().FirstOrDefault(n => i + n <= text.Length && segments.ContainsKey(text.Substring(i, n)), 1);
            expected.Add(length == 1 ? text[i] : segments[text.Substring(i, length)]);
        }
        Assert.Equal(expected, tokenizer.Encode(text));
    }

    [Fact]
    public void Variety_OfASmallLexicon_IsWhatHandCountsGive()
    {
        FrequencyTable words = Words("read", "reads", "reader", "reading", "red", "rot");
        LetterVariety successors = LetterVariety.OfSuccessors(words), predecessors = LetterVariety.OfPredecessors(words);
        // r: e o; re: a d; rea: d; read: end s e i; reade: r; reader: end.
        Assert.Equal([1, 2, 2, 1, 4, 1, 1], Enumerable.Range(0, 7).Select(length => successors[2, length]));
        // Ends of all words: d s r g t; of "reads": s is preceded by d, ds by a, ads by e, eads by r, reads by the word's beginning.
        Assert.Equal([5, 1, 1, 1, 1, 1], Enumerable.Range(0, 6).Select(length => predecessors[1, length]));
        // d (of read, red) is preceded by a and e.
        Assert.Equal(2, predecessors[0, 1]);
    }

    [Fact]
    public void Variety_CountsLettersNotBytes()
    {
        // U+0431, U+0432 and U+0440 begin with bytes D0, D0 and D1.
        FrequencyTable words = Words("аб", "ав", "ар");
        Assert.Equal(3, LetterVariety.OfSuccessors(words)[0, 2]);
        Assert.Equal(1, LetterVariety.OfPredecessors(words)[0, 2]);
        Assert.Equal(3, LetterVariety.OfPredecessors(words)[0, 0]);
    }

    [Fact]
    public void Cut_InflectedWords_IsBetweenStemAndEnding()
    {
        string[] stems = ["walk", "talk", "jump", "play", "open", "help", "cook", "paint"], endings = ["", "s", "ed", "ing", "er", "able"];
        FrequencyTable words = Words([.. stems.SelectMany(stem => endings.Select(ending => stem + ending))]);
        var cutter = new WordCutter(words);
        int word = Enumerable.Range(0, words.Count).First(i => words[i].SequenceEqual("walking"u8));
        var boundaries = new int[WordScanner.MaxLength + 1];
        Assert.Equal([0, 4, 7], boundaries[..cutter.Cut(word, boundaries)]);
    }

    [Fact]
    public void Cut_StemsThatOccurOnce_IsBeforeTheirCommonEnding()
    {
        // Each stem goes on in one way only, so that nothing but the variety before "ness" tells.
        FrequencyTable words = Words("redness", "illness", "dimness", "fitness", "darkness", "slowness");
        var boundaries = new int[WordScanner.MaxLength + 1];
        Assert.Equal([0, 4, 8], boundaries[..new WordCutter(words).Cut(4, boundaries)]);
    }

    [Fact]
    public void Cut_WhereVarietyIsTheSameAsOnBothSides_IsNot()
    {
        // Every word of four letters of five: any of five follows and precedes all but the outermost.
        string[] letters = ["a", "b", "c", "d", "e"];
        FrequencyTable words = Words([.. from a in letters from b in letters from c in letters from d in letters select a + b + c + d]);
        var boundaries = new int[WordScanner.MaxLength + 1];
        Assert.Equal([0, 1, 3, 4], boundaries[..new WordCutter(words).Cut(0, boundaries)]);
    }

    [Fact]
    public void Ranking_OfWhatIsKept_IsByUsesNotByOccurrences()
    {
        FrequencyTable words = Counted(("walked", 10), ("walks", 3), ("talked", 20)), candidates = Counted(("walk", 13), ("walked", 10), ("talk", 20), ("ed", 30));
        // The longest match of "walked" is itself, so that "walk" is used in "walks" alone; "ed" and "talk" are used 20 times.
        Assert.Equal(["ed", "talk", "walked", "walk"], Chosen(words, candidates, 4));
    }

    [Fact]
    public void Ranking_OfWhatIsTooMany_IsByUsesTimesTheTokensThatEachSaves()
    {
        // 10 x 1 token against 6 x 5.
        FrequencyTable words = Counted(("xy", 10), ("abcdef", 6));
        Assert.Equal(["abcdef"], Chosen(words, words, 1));
    }

    [Theory]
    [InlineData(64, 0, new[] { 64 })]
    [InlineData(65, 0, new[] { 64, 1 })]
    [InlineData(1, 32, new[] { 63, 2 })]
    [InlineData(150, 0, new[] { 64, 64, 22 })]
    public void Words_TooLong_AreCutBetweenCharacters(int narrow, int wide, int[] lengths)
    {
        var words = new FrequencyTable();
        WordScanner.Count(Encoding.UTF8.GetBytes(new string('a', narrow) + new string('é', wide)), isFinal: true, words);
        Assert.Equal(lengths, Enumerable.Range(0, words.Count).SelectMany(i => Enumerable.Repeat(words[i].Length, (int)words.FrequencyOf(i))));
    }

    [Theory]
    [InlineData("The cat's 1984\r\n\r\n    return x;", "The| cat's| 1984|\r\n\r\n   | return| x|;")]
    [InlineData("a  b \n", "a| | b| \n")]
    [InlineData("'tis rock'n'roll’s don' t", "'|tis| rock'n'roll’s| don|'| t")]
    [InlineData("naïve日本 ½--é…", "naïve日本| ½|--|é|…")]
    public void Words_OfText_AreRunsOfAClassWithTheSpaceBefore(string text, string expected)
    {
        var words = new FrequencyTable();
        Assert.Equal(Encoding.UTF8.GetByteCount(text), WordScanner.Count(Encoding.UTF8.GetBytes(text), isFinal: true, words));
        IEnumerable<string> found = Enumerable.Range(0, words.Count).SelectMany(i => Forms(Encoding.UTF8.GetString(words[i]), words.FrequencyOf(i), words.MarkedOf(i)));
        Assert.Equal(expected.Split('|').Order(StringComparer.Ordinal), found.Order(StringComparer.Ordinal));

        static IEnumerable<string> Forms(string word, long all, long spaced) =>
            Enumerable.Repeat(" " + word, (int)spaced).Concat(Enumerable.Repeat(word, (int)(all - spaced)));
    }

    [Fact]
    public void Learning_BlocksOfAnyLengthAndOtherPlaces_GiveTheSameTokenizer()
    {
        string path = _folder.Write("a.txt", Encoding.UTF8.GetBytes(Corpus.Value));
        HarrisTokenizer fromFile = HarrisTokenizer.FromSource(TextSource.FromFiles(path), 500);
        Assert.Equal(Segments(Learned.Value), Segments(fromFile));
    }

    [Fact]
    public void Learning_KeepsWhatTheTextUses()
    {
        int[] tokens = Learned.Value.Encode(Corpus.Value);
        Assert.True(Corpus.Value.Length / (double)tokens.Length > 2.2, $"{Corpus.Value.Length / (double)tokens.Length} bytes per token");
        Dictionary<int, int> uses = tokens.CountBy(token => token).ToDictionary();
        Assert.DoesNotContain(Enumerable.Range(257, 500), token => !uses.ContainsKey(token));
        Assert.True(uses[257] > uses[257 + 499]);
    }

    [Fact]
    public void Learning_TextWithTooFewSegments_SaysHowManyThereAre()
    {
        var exception = Assert.Throws<TrainingDataException>(() => HarrisTokenizer.FromText("the cat the cat the", 10));
        Assert.Equal("The text has only 2 segments that occur more than once, and 10 were asked for; choose 2, or give more text.", exception.Message);
        exception = Assert.Throws<TrainingDataException>(() => HarrisTokenizer.FromText("the cat, the cat", 10));
        Assert.Equal("The text has only 1 segment that occurs more than once, and 10 were asked for; choose 1, or give more text.", exception.Message);
        exception = Assert.Throws<TrainingDataException>(() => HarrisTokenizer.FromText("a", 10));
        Assert.Equal("The text has only 0 segments that occur more than once, and 10 were asked for; give more text.", exception.Message);
        exception = Assert.Throws<TrainingDataException>(() => HarrisTokenizer.FromText(Corpus.Value, 60_000));
        Assert.Matches(@"^The text has only \d+ segments that occur more than once, and 60000 were asked for; choose (2048|4096), or", exception.Message);
    }

    [Fact]
    public void Learning_EmptyText_IsRefused() =>
        Assert.Equal(
            "There is not one character in the given text; give data with text in it.",
            Assert.Throws<TrainingDataException>(() => HarrisTokenizer.FromText("")).Message);

    [Theory]
    [InlineData(0)]
    [InlineData(65_280)]
    public void Learning_ImpossibleSize_IsRefused(int size) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => HarrisTokenizer.FromText("text", size));

    [Theory]
    [InlineData("harris", 2048)]
    [InlineData("harris-1", 1)]
    [InlineData("harris-16384", 16384)]
    [InlineData("harris-0", null)]
    [InlineData("harris--1", null)]
    [InlineData("harris-", null)]
    [InlineData("harris-65280", null)]
    [InlineData("harrison", null)]
    public void Name_SaysTheSize(string name, int? size) => Assert.Equal(size, HarrisTokenizer.SizeOf(name));

    [Fact]
    public void File_SavedAndLoaded_IsTheSameTokenizer()
    {
        string path = _folder[HarrisTokenizer.FileName];
        Learned.Value.Save(path);
        foreach (string place in (string[])[path, _folder.Path])
            Assert.Equal(Segments(Learned.Value), Segments(Assert.IsType<HarrisTokenizer>(Tokenizer.Load(place))));
        Assert.Equal([HarrisTokenizer.FileName], Directory.GetFiles(_folder.Path).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("""{"kind":"harris"}""", "has no array 'segments'")]
    [InlineData("""{"kind":"harris","segments":[]}""", "has 0 'segments'; expected 1 to 65279")]
    [InlineData("""{"kind":"harris","segments":["ab",1]}""", "something in 'segments' that is no valid string")]
    [InlineData("""{"kind":"harris","segments":["ab","a"]}""", "has a segment 'a' that is a single byte or comes twice")]
    [InlineData("""{"kind":"harris","segments":["ab","ab"]}""", "has a segment 'ab' that is a single byte or comes twice")]
    [InlineData("segments", "is no tokenizer: it is not JSON")]
    public void File_Damaged_IsRefused(string json, string message)
    {
        string path = _folder.Write("t.json", Encoding.UTF8.GetBytes(json));
        Assert.Contains(message, Assert.Throws<TrainingDataException>(() => Tokenizer.Load(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Table_OverItsLimit_KeepsWhatIsFrequent()
    {
        var table = new FrequencyTable(mostEntries: 100);
        for (int i = 0; i < 10_000; i++)
        {
            table.Add("often"u8, 1, 1);
            table.Add(Encoding.UTF8.GetBytes($"{i}"), 1);
            Assert.InRange(table.Count, 1, 100);
        }
        int often = Enumerable.Range(0, table.Count).Single(i => table[i].SequenceEqual("often"u8));
        Assert.Equal((10_000, 10_000), (table.FrequencyOf(often), table.MarkedOf(often)));
    }

    private static FrequencyTable Words(params string[] words)
    {
        var table = new FrequencyTable();
        foreach (string word in words)
            table.Add(Encoding.UTF8.GetBytes(word), 1);
        return table;
    }

    private static FrequencyTable Counted(params (string Word, int Frequency)[] words)
    {
        var table = new FrequencyTable();
        foreach ((string word, int frequency) in words)
            table.Add(Encoding.UTF8.GetBytes(word), frequency);
        return table;
    }

    private static IEnumerable<string> Chosen(FrequencyTable words, FrequencyTable candidates, int count) =>
        new SegmentRanking(words, candidates).Choose([.. Enumerable.Range(0, candidates.Count)], count).Select(Encoding.UTF8.GetString);

    private static string[] Segments(HarrisTokenizer tokenizer) =>
        [.. Enumerable.Range(257, tokenizer.SegmentCount).Select(token => Encoding.UTF8.GetString(tokenizer.BytesOf(token)))];
}
