namespace Andrea.Data.Harris;

/// <summary>Learns the segments of a <see cref="HarrisTokenizer"/> from text.</summary>
/// <remarks>
/// Reads the text once and keeps only its words (<see cref="WordScanner"/>), at most 2^20 different ones: some 300 MB at the very most,
/// however long the text. Every stretch of a word from one of its boundaries (<see cref="WordCutter"/>) to another is a candidate, with the
/// space before it if it begins the word and has one. One thread; a function of the text alone.
/// </remarks>
internal sealed class SegmentTrainer
{
    private const int MostCandidates = 1 << 21;

    private readonly FrequencyTable _words = new();

    /// <summary>Counts the words of a source, which stays readable.</summary>
    /// <exception cref="InvalidTextException">Not UTF-8.</exception>
    public void Read(TextSource source)
    {
        foreach (TextDocument document in source.Documents)
        {
            document.KeepForRereading();
            using Utf8BlockReader reader = document.OpenReader();
            while (reader.Read())
                reader.Advance(WordScanner.Count(reader.Text, reader.IsFinal, _words));
        }
    }

    /// <summary>Whether there was no text.</summary>
    public bool IsEmpty => _words.Count == 0;

    /// <summary>The best segments, most frequent first.</summary>
    /// <param name="count">How many.</param>
    /// <exception cref="TrainingDataException">The text has fewer.</exception>
    public byte[][] Choose(int count)
    {
        FrequencyTable candidates = FindCandidates();
        // What occurs once is an accident.
        int[] found = [.. Enumerable.Range(0, candidates.Count).Where(i => candidates.FrequencyOf(i) > 1)];
        if (found.Length < count)
            throw TooFew(found.Length, count);
        return new SegmentRanking(_words, candidates).Choose(found, count);
    }

    private FrequencyTable FindCandidates()
    {
        var candidates = new FrequencyTable(MostCandidates);
        var cutter = new WordCutter(_words);
        Span<int> boundaries = stackalloc int[WordScanner.MaxLength + 1];
        Span<byte> spaced = stackalloc byte[WordScanner.MaxLength + 1];
        spaced[0] = (byte)' ';
        for (int word = 0; word < _words.Count; word++)
        {
            int count = cutter.Cut(word, boundaries);
            long frequency = _words.FrequencyOf(word), spacedFrequency = _words.MarkedOf(word);
            _words[word].CopyTo(spaced[1..]);
            for (int i = 0; i < count; i++)
            {
                for (int j = i + 1; j < count; j++)
                {
                    ReadOnlySpan<byte> segment = spaced[(1 + boundaries[i])..(1 + boundaries[j])];
                    // A single byte is a token anyway.
                    if (segment.Length > 1 && (i > 0 || frequency > spacedFrequency))
                        candidates.Add(segment, i > 0 ? frequency : frequency - spacedFrequency);
                    if (i == 0 && spacedFrequency > 0)
                        candidates.Add(spaced[..(1 + boundaries[j])], spacedFrequency);
                }
            }
        }
        return candidates;
    }

    private static TrainingDataException TooFew(int found, int wanted)
    {
        string has = found == 1 ? "1 segment that occurs" : $"{found} segments that occur";
        int fitting = HarrisTokenizer.UsualSizes.LastOrDefault(size => size <= found, found);
        string advice = fitting > 0 ? $"choose {fitting}, or give more text" : "give more text";
        return new TrainingDataException(
            $"The text has only {has} more than once, and {wanted} were asked for; {advice}.");
    }
}
