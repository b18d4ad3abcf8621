using Andrea.Data;

namespace Andrea.Tests.Data;

public class NamedSourceTests
{
    private static readonly TokenDatasetOptions Half = new() { ValidationFraction = 0.5, MarkDocuments = false };

    [Fact]
    public void Create_SeveralSources_SplitsEachAndPutsThePartsInARow()
    {
        TokenDataset data = Create(("x", "abcd"), ("y", "efghij"));
        Assert.Equal(["x", "y"], data.Sources.Select(source => source.Name));
        Assert.Equal(["ab", "efg"], data.Sources.Select(source => Text(source.Training)));
        Assert.Equal(["cd", "hij"], data.Sources.Select(source => Text(source.Validation)));
        Assert.Equal(("abefg", "cdhij"), (Text(data.Training), Text(data.Validation)));
        var middle = new int[3];
        data.Training.CopyTo(1, middle);
        Assert.Equal("bef", data.Tokenizer.Decode(middle));
        Assert.Throws<ArgumentOutOfRangeException>(() => data.Training.CopyTo(3, middle));

        string Text(TokenSequence tokens) => data.Tokenizer.Decode(tokens.ToArray());
    }

    [Fact]
    public void Fingerprint_CoversTextsSplitsAndNames()
    {
        ulong[] prints =
        [
            Create(("x", "abcd"), ("y", "efgh")).Fingerprint,
            Create(("x", "abcd"), ("z", "efgh")).Fingerprint,
            Create(("x", "abcde"), ("y", "fgh")).Fingerprint,
            Create(("x", "abcd"), ("y", "efgi")).Fingerprint,
            Create(("x", "abcdefgh")).Fingerprint,
        ];
        Assert.Equal(prints.Length, prints.Distinct().Count());
        Assert.Equal(prints[0], Create(("x", "abcd"), ("y", "efgh")).Fingerprint);
        // One source is what data without names has always been.
        Assert.Equal(prints[4], TokenDataset.Create(TextSource.FromText("abcdefgh"), new ByteTokenizer(), Half).Fingerprint);
    }

    [Theory]
    [InlineData("", "cannot be named ''")]
    [InlineData("a b", "cannot be named 'a b'")]
    [InlineData("x", "Two sources are named 'x'")]
    public void Create_NameThatCannotBe_IsRefused(string name, string message) =>
        Assert.Contains(message, Assert.Throws<TrainingDataException>(() => Create(("x", "ab"), (name, "cd"))).Message, StringComparison.Ordinal);

    [Fact]
    public void Create_NoOrEmptySource_IsRefused()
    {
        Assert.Throws<TrainingDataException>(() => Create());
        Assert.Throws<TrainingDataException>(() => Create(("x", "ab"), ("y", "")));
    }

    private static TokenDataset Create(params (string Name, string Text)[] sources) =>
        TokenDataset.Create([.. sources.Select(source => new NamedText(source.Name, TextSource.FromText(source.Text)))], new ByteTokenizer(), Half);
}
