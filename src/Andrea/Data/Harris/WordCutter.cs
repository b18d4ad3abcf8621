namespace Andrea.Data.Harris;

/// <summary>Finds the boundaries of morphemes in words by letter variety.</summary>
/// <remarks>
/// Harris (1955) cuts where the successor variety is a peak; he also reads words backward, by predecessor variety. The rule here, which is
/// our choice, takes either: a word is cut after its first i letters if the successor variety there is at least
/// <see cref="LeastVariety"/>, not below that after i - 1 or i + 1 letters, and above one of them; or if the predecessor variety before
/// letter i + 1 is the same among its neighbours. The first cannot be after one letter, nor the second before the last, since a variety
/// that only falls from the outermost letter inward has no peak there.
/// </remarks>
internal sealed class WordCutter(FrequencyTable words)
{
    /// <summary>Where fewer different letters meet, the words of a text are too few to tell a boundary from chance.</summary>
    public const int LeastVariety = 5;

    private readonly LetterVariety _successors = LetterVariety.OfSuccessors(words), _predecessors = LetterVariety.OfPredecessors(words);

    /// <summary>Writes where a word is cut: 0, the boundaries inside it, and its length, in bytes and ascending.</summary>
    /// <param name="word">Index of the word.</param>
    /// <param name="boundaries">Room for <see cref="WordScanner.MaxLength"/> + 1.</param>
    /// <returns>How many were written.</returns>
    public int Cut(int word, Span<int> boundaries)
    {
        // Character i begins at starts[i]; the word ends at starts[letters].
        Span<int> starts = stackalloc int[WordScanner.MaxLength + 1];
        int letters = CharacterStarts(words[word], starts);
        Span<int> successors = stackalloc int[letters + 1], predecessors = stackalloc int[letters + 1];
        for (int i = 0; i <= letters; i++)
        {
            successors[i] = _successors[word, starts[i]];
            predecessors[i] = _predecessors[word, starts[letters] - starts[i]];
        }
        int count = 0;
        boundaries[count++] = 0;
        for (int i = 1; i < letters; i++)
            if ((i > 1 && IsPeak(successors, i)) || (i < letters - 1 && IsPeak(predecessors, i)))
                boundaries[count++] = starts[i];
        boundaries[count++] = starts[letters];
        return count;
    }

    private static bool IsPeak(ReadOnlySpan<int> varieties, int i)
    {
        int before = varieties[i - 1], here = varieties[i], after = varieties[i + 1];
        return here >= LeastVariety && here >= before && here >= after && (here > before || here > after);
    }

    private static int CharacterStarts(ReadOnlySpan<byte> word, Span<int> starts)
    {
        int count = 0;
        for (int i = 0; i < word.Length; i++)
            if ((word[i] & 0xC0) != 0x80)
                starts[count++] = i;
        starts[count] = word.Length;
        return count;
    }
}
