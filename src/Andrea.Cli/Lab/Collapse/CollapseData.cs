using System.Text;
using Andrea.Curriculum;
using Andrea.Data;
using Andrea.Numerics;

namespace Andrea.Cli.Lab.Collapse;

/// <summary>Sources of different character: the three kinds of built-in text, and lists that say the same word again and again, which a bandit
/// that is paid for falling losses likes best.</summary>
internal static class CollapseData
{
    private static readonly string[] Words = ["region", "games", "table", "river", "number", "value", "house", "light", "point", "north"];

    /// <summary>Names; the broad ones, which a curriculum's warmup draws from, first.</summary>
    public static IReadOnlyList<string> Names { get; } = ["stories", "questions", "notes", "lists"];

    /// <summary>How many of them are broad.</summary>
    public const int BroadCount = 2;

    /// <summary>Limits of the sources: which ones to warm up with.</summary>
    public static IReadOnlyList<SourceLimits> Limits { get; } = [.. Names.Take(BroadCount).Select(name => new SourceLimits(name, Warmup: true))];

    /// <summary>All sources, equally long, in morphemes: in single characters, a model that says one token again and again would not say one word.</summary>
    /// <param name="characters">Of all sources together.</param>
    /// <param name="segments">Morphemes of the vocabulary, besides 256 bytes and a mark.</param>
    public static TokenDataset Create(int characters, int segments)
    {
        int each = characters / Names.Count;
        NamedText[] sources =
        [
            new(Names[0], TextSource.FromText(BuiltInCorpus.Generate(CorpusKind.Stories, seed: 1, each))),
            new(Names[1], TextSource.FromText(BuiltInCorpus.Generate(CorpusKind.Questions, seed: 1, each))),
            new(Names[2], TextSource.FromText(BuiltInCorpus.Generate(CorpusKind.Notes, seed: 1, each))),
            new(Names[3], TextSource.FromText(Lists(each))),
        ];
        return TokenDataset.Create(sources, Tokenizer.Create(FormattableString.Invariant($"harris-{segments}"), TextSource.Join(sources.Select(source => source.Text))));
    }

    private static string Lists(int characters)
    {
        var random = new Philox(seed: 1, 0x6C69737473);
        var text = new StringBuilder(characters + 1024);
        while (text.Length < characters)
        {
            string word = Words[random.NextInt32(Words.Length)];
            int items = 8 + random.NextInt32(56);
            for (int item = 0; item < items; item++)
                text.Append(word).Append(item + 1 < items ? ", " : ".\n\n");
        }
        return text.ToString(0, characters);
    }
}
