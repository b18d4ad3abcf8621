using System.Runtime.InteropServices;

namespace Andrea.Monitoring;

/// <summary>How far a text is from mere repetition, in points: 100 for varied English, 0 for one character again and again.</summary>
/// <param name="Bigrams">Up to 35, for different pairs of words.</param>
/// <param name="Trigrams">Up to 35, for different triples of words.</param>
/// <param name="Words">Up to 20, for common English words.</param>
/// <param name="Characters">Up to 10, for different characters.</param>
/// <remarks>
/// The weights are ANDREA's; it does not say by what formulas, so these are ours. A text is cut into words (letters, digits and apostrophes in
/// a row) and single other characters; blanks only separate. A run of more than 24 letters is no word: each of its characters counts for
/// one. Of n-grams, all in lower case, different / all counts, 0 where there are fewer than 8 words. Of words, the share of
/// common English ones (some 400) among those of letters, full from 0.25 on: about 0.45 in English prose. Of characters, different / 20, at most 1.
/// A loop of few words is low whatever they are; a loop longer than a third of the sample is not, and is what
/// <see cref="VerdictKind.RepetitionRising"/> is for.
/// <code>
/// Console.WriteLine(CoherenceScore.Of("region region region region region region region region").Total); // below 30
/// </code>
/// </remarks>
public readonly record struct CoherenceScore(double Bigrams, double Trigrams, double Words, double Characters)
{
    private const double MostBigrams = 35, MostTrigrams = 35, MostWords = 20, MostCharacters = 10;
    private const int LongestWord = 24, FewestWords = 8, ManyCharacters = 20;
    private const double EnoughCommon = 0.25;

    /// <summary>From 0 to 100.</summary>
    public double Total => Bigrams + Trigrams + Words + Characters;

    /// <summary>Share of pairs and triples of words that stood in the text before, from 0 to 1.</summary>
    public double Repetition => 1 - (Bigrams + Trigrams) / (MostBigrams + MostTrigrams);

    /// <summary>Scores a text.</summary>
    /// <param name="text">A few hundred characters or more; longer texts repeat themselves more.</param>
    /// <returns>Its points.</returns>
    /// <exception cref="ArgumentNullException">The text is null.</exception>
    /// <remarks>Time and memory in proportion to the text's length.</remarks>
    public static CoherenceScore Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string lower = text.ToLowerInvariant();
        List<Range> words = WordsOf(lower);
        return new CoherenceScore(
            MostBigrams * Diversity(lower, words, 2),
            MostTrigrams * Diversity(lower, words, 3),
            MostWords * Math.Min(1, CommonShare(lower, words) / EnoughCommon),
            MostCharacters * Math.Min(1, (double)lower.Distinct().Count() / ManyCharacters));
    }

    private static List<Range> WordsOf(string text)
    {
        var words = new List<Range>();
        for (int start = 0, end; start < text.Length; start = end)
        {
            end = start + 1;
            if (char.IsWhiteSpace(text[start]))
                continue;
            if (IsOfWords(text[start]) && text[start] != '\'')
                while (end < text.Length && IsOfWords(text[end]))
                    end++;
            if (end - start <= LongestWord)
                words.Add(start..end);
            else
                words.AddRange(Enumerable.Range(start, end - start).Select(i => i..(i + 1)));
        }
        return words;
    }

    private static bool IsOfWords(char character) => char.IsLetterOrDigit(character) || character == '\'';

    private static double Diversity(string text, List<Range> words, int length)
    {
        int count = words.Count - length + 1;
        if (words.Count < FewestWords)
            return 0;
        // By number, so that an n-gram is one key, whatever its words hold.
        var numbers = new Dictionary<string, int>();
        int[] sequence = new int[words.Count];
        for (int i = 0; i < sequence.Length; i++)
        {
            ref int number = ref CollectionsMarshal.GetValueRefOrAddDefault(numbers, text[words[i]], out bool known);
            sequence[i] = known ? number : number = numbers.Count;
        }
        var different = new HashSet<(int, int, int)>();
        for (int i = 0; i < count; i++)
            different.Add((sequence[i], sequence[i + 1], length == 3 ? sequence[i + 2] : 0));
        return (double)different.Count / count;
    }

    private static double CommonShare(string text, List<Range> words)
    {
        int all = 0, common = 0;
        foreach (Range word in words)
        {
            ReadOnlySpan<char> letters = text.AsSpan(word);
            if (!char.IsLetter(letters[0]))
                continue;
            all++;
            common += CommonWords.Contains(letters) ? 1 : 0;
        }
        return all == 0 ? 0 : (double)common / all;
    }
}
