using System.Text;
using Andrea.Data.Corpus;
using Andrea.Numerics;

namespace Andrea.Data;

/// <summary>Text to train on when no data is at hand: written by a seeded generator, in three kinds, as much as is asked for.</summary>
/// <remarks>
/// ASCII only. Documents are separated by one empty line. Each is a pure function of seed, kind and its number, so a shorter text is the
/// beginning of a longer one and the same seed gives the same text on every machine. More than 10 million characters a second.
/// </remarks>
public static class BuiltInCorpus
{
    /// <summary>How many characters make a good first training text.</summary>
    public const int DefaultLength = 1_500_000;

    /// <summary>Stories, notes, and questions with their answers stand in these shares, counted in characters.</summary>
    private static readonly double[] Shares = [0.5, 0.25, 0.25];

    /// <summary>The kinds of text, in the order of their share.</summary>
    public static IReadOnlyList<CorpusKind> Kinds { get; } = [CorpusKind.Stories, CorpusKind.Notes, CorpusKind.Questions];

    /// <summary>Writes all three kinds, mixed document by document: half stories, a quarter notes, a quarter questions.</summary>
    /// <param name="seed">Different seeds give different texts.</param>
    /// <param name="characters">Length of the text; the last document is cut to fit.</param>
    /// <returns>A text of just that length.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A negative length.</exception>
    public static string Generate(ulong seed, int characters)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(characters);
        var text = new StringBuilder(characters + 4096);
        Span<long> written = stackalloc long[Shares.Length];
        Span<int> documents = stackalloc int[Shares.Length];
        while (text.Length < characters)
        {
            int next = FurthestBehind(written);
            int before = text.Length;
            AppendDocument(text, Kinds[next], seed, documents[next]++);
            written[next] += text.Length - before;
        }
        return text.ToString(0, characters);
    }

    /// <summary>Writes one kind only, the very documents that the mixed text has of it.</summary>
    /// <param name="kind">Which kind.</param>
    /// <param name="seed">Different seeds give different texts.</param>
    /// <param name="characters">Length of the text; the last document is cut to fit.</param>
    /// <returns>A text of just that length.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A negative length, or an unknown kind.</exception>
    public static string Generate(CorpusKind kind, ulong seed, int characters)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(characters);
        if (!Kinds.Contains(kind))
            throw new ArgumentOutOfRangeException(nameof(kind), kind, $"There is no kind of text {kind}; expected {string.Join(", ", Kinds)}.");
        var text = new StringBuilder(characters + 4096);
        for (int number = 0; text.Length < characters; number++)
            AppendDocument(text, kind, seed, number);
        return text.ToString(0, characters);
    }

    private static int FurthestBehind(ReadOnlySpan<long> written)
    {
        int best = 0;
        for (int kind = 1; kind < Shares.Length; kind++)
        {
            if (written[kind] / Shares[kind] < written[best] / Shares[best])
                best = kind;
        }
        return best;
    }

    private static void AppendDocument(StringBuilder text, CorpusKind kind, ulong seed, int number)
    {
        var random = new Philox(seed, ((ulong)kind << 32) | (uint)number);
        Composer composer = kind switch
        {
            CorpusKind.Stories => Compose(StoryWriter.Grammar, random, StoryWriter.Write),
            CorpusKind.Notes => Compose(NoteWriter.Grammar, random, NoteWriter.Write),
            _ => Compose(QuestionWriter.Grammar, random, QuestionWriter.Write),
        };
        text.Append(composer.Text).Append('\n');
    }

    private static Composer Compose(Grammar grammar, Philox random, Action<Composer> write)
    {
        var composer = new Composer(grammar, random);
        write(composer);
        return composer;
    }
}
