using System.Buffers.Binary;

namespace Andrea.Data.Harris;

/// <summary>Counts by how many different letters the beginnings of words go on, or the ends of words are preceded.</summary>
/// <remarks>
/// Harris, From phoneme to morpheme, Language 31 (1955): the successor variety of a beginning is the number of different letters that
/// follow it in the words of a language, the end of a word counted as one. Counted over word types: each word once, however frequent.
/// </remarks>
internal sealed class LetterVariety
{
    private readonly int[] _starts;
    private readonly byte[] _varieties;

    private LetterVariety(int[] starts, byte[] varieties) => (_starts, _varieties) = (starts, varieties);

    /// <summary>Of beginnings.</summary>
    public static LetterVariety OfSuccessors(FrequencyTable words) => new Builder(words, backward: false).Build();

    /// <summary>Of ends.</summary>
    public static LetterVariety OfPredecessors(FrequencyTable words) => new Builder(words, backward: true).Build();

    /// <summary>By how many letters the first (or last) bytes of a word go on (or are preceded), at most 255; the end of a word counts as
    /// a letter.</summary>
    /// <param name="word">Index of the word.</param>
    /// <param name="length">How many bytes, from 0 (any word) to the whole word; whole characters.</param>
    public int this[int word, int length] => _varieties[_starts[word] + length];

    private sealed class Builder
    {
        private readonly byte[] _bytes, _varieties;
        // Word w is _bytes[_starts[w] .. _starts[w + 1] - 1]: one byte more than letters, for the variety of the empty beginning.
        private readonly int[] _starts, _order;
        private readonly bool _backward;

        public Builder(FrequencyTable words, bool backward)
        {
            _backward = backward;
            _starts = new int[words.Count + 1];
            for (int i = 0; i < words.Count; i++)
                _starts[i + 1] = _starts[i] + words[i].Length + 1;
            _bytes = new byte[_starts[^1]];
            _varieties = new byte[_starts[^1]];
            for (int i = 0; i < words.Count; i++)
            {
                Span<byte> copy = _bytes.AsSpan(_starts[i], words[i].Length);
                words[i].CopyTo(copy);
                if (backward)
                    copy.Reverse();
            }
            _order = Sort();
        }

        /// <summary>In sorted order the words with a common beginning stand together, and among them those with the same next letter.</summary>
        public LetterVariety Build()
        {
            Span<int> counts = stackalloc int[WordScanner.MaxLength + 1];
            for (int i = 0; i < _order.Length; i++)
            {
                ReadOnlySpan<byte> word = Word(_order[i]);
                int common = i == 0 ? -1 : CommonLength(_order[i - 1], _order[i]);
                if (common >= 0)
                    counts[common]++;
                counts[(common + 1)..(word.Length + 1)].Fill(1);
                for (int length = 0; length <= word.Length; length++)
                    _varieties[_starts[_order[i]] + length] = (byte)Math.Min(counts[length], byte.MaxValue);
            }
            // The last of the words with a common beginning has seen all of their letters; it tells the others.
            for (int i = _order.Length - 2; i >= 0; i--)
            {
                int common = CommonLength(_order[i], _order[i + 1]);
                _varieties.AsSpan(_starts[_order[i + 1]], common + 1).CopyTo(_varieties.AsSpan(_starts[_order[i]]));
            }
            return new LetterVariety(_starts, _varieties);
        }

        private ReadOnlySpan<byte> Word(int index) => _bytes.AsSpan(_starts[index].._starts[index + 1])[..^1];

        /// <summary>Bytes that two words have in common from their beginning, in whole characters.</summary>
        private int CommonLength(int left, int right)
        {
            ReadOnlySpan<byte> word = Word(right);
            int length = Word(left).CommonPrefixLength(word);
            // Read backward, a character ends with its first byte.
            while (length > 0 && (_backward ? IsContinuation(word[length - 1]) : length < word.Length && IsContinuation(word[length])))
                length--;
            return length;
        }

        private int[] Sort()
        {
            int[] order = [.. Enumerable.Range(0, _starts.Length - 1)];
            var keys = new ulong[order.Length];
            Span<byte> key = stackalloc byte[sizeof(ulong)];
            for (int i = 0; i < order.Length; i++)
            {
                key.Clear();
                ReadOnlySpan<byte> word = Word(i);
                word[..Math.Min(word.Length, key.Length)].CopyTo(key);
                keys[i] = BinaryPrimitives.ReadUInt64BigEndian(key);
            }
            // Most words differ in their first eight bytes.
            Array.Sort(keys, order);
            for (int start = 0, end; start < order.Length; start = end)
            {
                for (end = start + 1; end < order.Length && keys[end] == keys[start];)
                    end++;
                if (end - start > 1)
                    order.AsSpan(start..end).Sort((left, right) => Word(left).SequenceCompareTo(Word(right)));
            }
            return order;
        }

        private static bool IsContinuation(byte value) => (value & 0xC0) == 0x80;
    }
}
