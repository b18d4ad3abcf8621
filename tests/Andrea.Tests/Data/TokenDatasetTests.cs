using Andrea.Data;

namespace Andrea.Tests.Data;

public class TokenDatasetTests
{
    [Theory]
    [InlineData(1000, 0.1, 900)]
    [InlineData(1_115_394, 0.1, 1_003_854)] // Tiny Shakespeare in nanoGPT: 1,003,854 and 111,540
    [InlineData(7, 0.5, 3)]
    [InlineData(7, 0, 7)]
    [InlineData(1, 0.1, 0)]
    public void Split_Fraction_HoldsBackTheEnd(int length, double fraction, int trainingLength)
    {
        string text = string.Concat(Enumerable.Range(0, length).Select(i => (char)('a' + i % 23)));
        TokenDataset dataset = TokenDataset.FromText(text, "char", new TokenDatasetOptions { ValidationFraction = fraction });
        Assert.Equal(trainingLength, dataset.Training.Length);
        Assert.Equal(length - trainingLength, dataset.Validation.Length);
        Assert.Equal(text, dataset.Tokenizer.Decode(dataset.Training.ToArray()) + dataset.Tokenizer.Decode(dataset.Validation.ToArray()));
    }

    [Theory]
    [InlineData(1.0)]
    [InlineData(-0.1)]
    [InlineData(double.NaN)]
    public void Split_FractionOutOfRange_IsRefused(double fraction)
    {
        var exception = Assert.Throws<ArgumentOutOfRangeException>(() => new TokenDatasetOptions { ValidationFraction = fraction });
        Assert.Contains("expected at least 0 and less than 1", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Documents_ByteTokenizer_BeginWithTheMark()
    {
        TextSource source = TextSource.FromText("ab", "", "c");
        var options = new TokenDatasetOptions { ValidationFraction = 0 };
        Assert.Equal([256, 'a', 'b', 256, 'c'], TokenDataset.Create(source, new ByteTokenizer(), options).Training.ToArray());
        Assert.Equal(['a', 'b', 'c'], TokenDataset.Create(source, new ByteTokenizer(), options with { MarkDocuments = false }).Training.ToArray());
        Assert.Equal([0, 1, 2], TokenDataset.Create(source, CharTokenizer.FromSource(source), options).Training.ToArray());
    }

    [Fact]
    public void Create_TokensLongerThanABlock_AreNotCut()
    {
        // Two words longer than a block with a short one between: the tokenizer must be shown more and more until it sees their ends.
        int longWord = Utf8BlockReader.DefaultBlockLength / 2 + 1;
        string text = new string('a', longWord) + "  b " + new string('€', longWord / 3 + 5) + " c";
        var options = new TokenDatasetOptions { ValidationFraction = 0 };
        TokenDataset dataset = TokenDataset.Create(TextSource.FromText(text), new WordTokenizer(), options);
        Assert.Equal([longWord, 2, 1, 1, 3 * (longWord / 3 + 5), 1, 1], dataset.Training.ToArray());
    }

    [Fact]
    public void Fingerprint_OtherDataOrSplit_Differs()
    {
        TokenDataset Make(string text, double fraction = 0.1) =>
            TokenDataset.FromText(text, "byte", new TokenDatasetOptions { ValidationFraction = fraction });
        ulong fingerprint = Make("The quick brown fox").Fingerprint;
        Assert.Equal(fingerprint, Make("The quick brown fox").Fingerprint);
        ulong[] others =
        [
            Make("The quick brown fog").Fingerprint, Make("the quick brown fox").Fingerprint, Make("The quick brown fo").Fingerprint,
            Make("hTe quick brown fox").Fingerprint, Make("The quick brown fox", 0.2).Fingerprint,
        ];
        Assert.Equal(6, others.Append(fingerprint).Distinct().Count());
    }

    [Theory]
    [InlineData(65_536)]
    [InlineData(65_537)]
    public void Store_SeveralSegments_KeepsEveryToken(int vocabularySize)
    {
        int length = 2 * TokenStore.SegmentLength + 77;
        TokenStore store = TokenStore.For(vocabularySize);
        int[] tokens = [.. Enumerable.Range(0, length).Select(i => vocabularySize - 1 - i % 65_521)];
        for (int start = 0; start < length; start += 300_007)
            store.Append(tokens.AsSpan(start, Math.Min(300_007, length - start)));
        store.TrimExcess();
        Assert.Equal(length, store.Length);
        var all = new int[length];
        store.CopyTo(0, all);
        Assert.Equal(tokens, all);
        var part = new int[10];
        store.CopyTo(TokenStore.SegmentLength - 5, part);
        Assert.Equal(tokens[(TokenStore.SegmentLength - 5)..(TokenStore.SegmentLength + 5)], part);
        store.CopyTo(length - 10, part);
        Assert.Equal(tokens[^10..], part);
    }

    [Fact]
    public void Store_TrimAtASegmentsEnd_KeepsEveryToken()
    {
        TokenStore store = TokenStore.For(257);
        store.Append([.. Enumerable.Repeat(7, TokenStore.SegmentLength)]);
        store.TrimExcess();
        var last = new int[1];
        store.CopyTo(TokenStore.SegmentLength - 1, last);
        Assert.Equal(7, last[0]);
    }

    [Fact]
    public void FromTokens_GivenSplit_IsKept()
    {
        TokenDataset dataset = TokenDataset.FromTokens([1, 256, 3], [4, 5], new ByteTokenizer());
        Assert.Equal([1, 256, 3], dataset.Training.ToArray());
        Assert.Equal([4, 5], dataset.Validation.ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => TokenDataset.FromTokens([1, 257], [4], new ByteTokenizer()));
        Assert.Throws<ArgumentOutOfRangeException>(() => TokenDataset.FromTokens([1], [-1], new ByteTokenizer()));
    }

    [Theory]
    [InlineData(-1, 1)]
    [InlineData(3, 1)]
    [InlineData(0, 4)]
    [InlineData(long.MaxValue, 1)]
    public void CopyTo_BeyondTheEnds_IsRefused(long start, int count)
    {
        TokenDataset dataset = TokenDataset.FromTokens([1, 2, 3], [4, 5], new ByteTokenizer());
        var exception = Assert.Throws<ArgumentOutOfRangeException>(() => dataset.Training.CopyTo(start, new int[count]));
        Assert.Contains("the training part has 3 tokens, from 0.", exception.Message, StringComparison.Ordinal);
    }
}
