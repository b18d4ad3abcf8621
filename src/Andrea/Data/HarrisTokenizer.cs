using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Andrea.Data.Harris;

namespace Andrea.Data;

/// <summary>Tokens that are morphemes: the most used pieces of a text's words between the boundaries that Harris' letter variety finds, and
/// every single byte, so that anything is encoded without loss.</summary>
/// <remarks>
/// Tokens 0 to 255 are bytes, 256 is the beginning of a text, segments are from 257 on, the most used first: 2048, 4096, 8192 or 16384
/// segments give the vocabularies of the ANDREA models, V = 2305, 4353, 8449 or 16641.
/// <para>Boundaries are found after Harris, From phoneme to morpheme, Language 31 (1955): where the letters that can follow a word's
/// beginning, or precede its end, are more various than one letter earlier or later, among all different words of the text. What counts as
/// a word (a run of letters, digits, white space or other characters, with the one space before it), the threshold of 5 letters, and the
/// choice among the candidates by uses and tokens saved, are ours. A text is encoded by the longest segment that it begins with, again
/// and again; words play no part in that, so the tokens are the same however the text is cut into pieces.</para>
/// Example:
/// <code>
/// TextSource books = TextSource.FromFiles("books/");
/// HarrisTokenizer tokenizer = HarrisTokenizer.FromSource(books, segmentCount: 4096);
/// tokenizer.Save(HarrisTokenizer.FileName);
/// TokenDataset data = TokenDataset.Create(books, tokenizer);
/// Console.WriteLine($"{tokenizer.VocabularySize} tokens, {data.Training.Length} to train on");
/// </code>
/// </remarks>
public sealed class HarrisTokenizer : Tokenizer
{
    /// <summary>The usual name of the file that <see cref="Tokenizer.Save"/> writes.</summary>
    public const string FileName = "harris_segments.json";

    /// <summary>How many segments there are if no other number is asked for.</summary>
    public const int DefaultSegmentCount = 2048;

    /// <summary>The most segments with which a token still fits two bytes.</summary>
    public const int MaxSegmentCount = ushort.MaxValue + 1 - FirstSegment;

    internal const string KindName = "harris";
    internal const string SegmentsName = "segments";

    private const int ByteCount = 256, FirstSegment = ByteCount + 1;

    private readonly TokenTrie _trie;
    // Token t stands for _bytes[_offsets[t].._offsets[t + 1]].
    private readonly byte[] _bytes;
    private readonly int[] _offsets;

    private HarrisTokenizer(byte[][] segments)
    {
        SegmentCount = segments.Length;
        _trie = new TokenTrie(segments, [.. Enumerable.Range(FirstSegment, segments.Length)]);
        _bytes = [.. Enumerable.Range(0, ByteCount).Select(value => (byte)value), .. segments.SelectMany(segment => segment)];
        _offsets = new int[VocabularySize + 1];
        for (int token = 0; token < VocabularySize; token++)
        {
            int length = token switch { < ByteCount => 1, ByteCount => 0, _ => segments[token - FirstSegment].Length };
            _offsets[token + 1] = _offsets[token] + length;
        }
    }

    /// <inheritdoc/>
    public override string Kind => KindName;

    /// <summary>V = 257 + <see cref="SegmentCount"/>.</summary>
    public override int VocabularySize => FirstSegment + SegmentCount;

    /// <summary>256.</summary>
    public override int? BeginningOfText => ByteCount;

    /// <summary>How many tokens are segments.</summary>
    public int SegmentCount { get; }

    internal static int[] UsualSizes { get; } = [2048, 4096, 8192, 16384];

    /// <summary>Learns segments from a text.</summary>
    /// <param name="text">Long enough that so many segments occur more than once.</param>
    /// <param name="segmentCount">How many segments; 1 to <see cref="MaxSegmentCount"/>.</param>
    /// <returns>A tokenizer of just so many segments.</returns>
    /// <exception cref="TrainingDataException">The text is empty, has half a surrogate pair, or has too few segments; the message says how
    /// many it has.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The number of segments is below 1 or above <see cref="MaxSegmentCount"/>.</exception>
    public static HarrisTokenizer FromText(string text, int segmentCount = DefaultSegmentCount) =>
        FromSource(TextSource.FromText(text), segmentCount);

    /// <summary>Learns segments from a source.</summary>
    /// <param name="source">Read once, from beginning to end, at some 50 MB/s; stays readable, because what cannot be read twice is kept
    /// in memory. Memory does not grow with its length: at most some 300 MB.</param>
    /// <param name="segmentCount">How many segments; 1 to <see cref="MaxSegmentCount"/>.</param>
    /// <returns>A tokenizer of just so many segments.</returns>
    /// <exception cref="TrainingDataException">The source is empty, is not UTF-8, or has too few segments; the message says how many it
    /// has.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The number of segments is below 1 or above <see cref="MaxSegmentCount"/>.</exception>
    /// <exception cref="InvalidOperationException">The source holds a stream that has been read already.</exception>
    public static HarrisTokenizer FromSource(TextSource source, int segmentCount = DefaultSegmentCount)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (segmentCount is < 1 or > MaxSegmentCount)
        {
            throw new ArgumentOutOfRangeException(
                nameof(segmentCount), segmentCount, $"{segmentCount} segments were asked for; expected 1 to {MaxSegmentCount}, such as {DefaultSegmentCount}.");
        }
        var trainer = new SegmentTrainer();
        trainer.Read(source);
        return trainer.IsEmpty ? throw TrainingDataException.Empty(source) : new HarrisTokenizer(trainer.Choose(segmentCount));
    }

    /// <summary>Encodes bytes, whether or not they are UTF-8: the longest segment, else one byte, again and again.</summary>
    /// <inheritdoc/>
    public override int Encode(ReadOnlySpan<byte> utf8, bool isFinal, IBufferWriter<int> tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        if (utf8.IsEmpty)
            return 0;
        Span<int> output = tokens.GetSpan(utf8.Length);
        int position = 0, count = 0;
        while (position < utf8.Length)
        {
            int length = _trie.LongestMatch(utf8[position..], out int token, out bool isOpen);
            if (isOpen && !isFinal)
                break;
            output[count++] = length > 0 ? token : utf8[position];
            position += Math.Max(length, 1);
        }
        tokens.Advance(count);
        return position;
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> BytesOf(int token) =>
        (uint)token < (uint)VocabularySize ? _bytes.AsSpan(_offsets[token].._offsets[token + 1]) : throw NoSuchToken(token);

    /// <summary>How many segments a name such as <c>harris</c> or <c>harris-4096</c> asks for; null if it is none.</summary>
    internal static int? SizeOf(string kind)
    {
        if (kind == KindName)
            return DefaultSegmentCount;
        return kind.StartsWith(KindName + "-", StringComparison.Ordinal)
            && int.TryParse(kind.AsSpan(KindName.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int size)
            && size is >= 1 and <= MaxSegmentCount ? size : null;
    }

    /// <summary>The tokenizer with these segments, in the order of their tokens.</summary>
    /// <exception cref="TrainingDataException">None, too many, one of fewer than two bytes, or one twice.</exception>
    internal static HarrisTokenizer FromSegments(IReadOnlyList<byte[]> segments)
    {
        if (segments.Count is < 1 or > MaxSegmentCount)
            throw Damaged($"has {segments.Count} '{SegmentsName}'; expected 1 to {MaxSegmentCount}");
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (byte[] segment in segments)
        {
            string text = Encoding.Latin1.GetString(segment);
            if (segment.Length < 2 || !seen.Add(text))
                throw Damaged($"has a segment '{Encoding.UTF8.GetString(segment)}' that is a single byte or comes twice");
        }
        return new HarrisTokenizer([.. segments]);
    }

    internal static HarrisTokenizer ReadFrom(JsonElement json) =>
        FromSegments(ReadStrings(json, SegmentsName).ConvertAll(Encoding.UTF8.GetBytes));

    private protected override void WriteMembers(Utf8JsonWriter writer)
    {
        writer.WriteStartArray(SegmentsName);
        for (int token = FirstSegment; token < VocabularySize; token++)
            writer.WriteStringValue(BytesOf(token));
        writer.WriteEndArray();
    }
}
