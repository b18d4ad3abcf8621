using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Andrea.Data;

/// <summary>Turns text into tokens, integers in [0, <see cref="VocabularySize"/>), and back. Every token stands for a fixed sequence of
/// bytes of UTF-8.</summary>
/// <remarks>
/// Immutable, so any number of threads may share one. The kinds are a closed set, because a checkpoint must be able to read back any of
/// them. Example:
/// <code>
/// Tokenizer tokenizer = new ByteTokenizer();
/// int[] tokens = tokenizer.Encode("Grüße");
/// string text = tokenizer.Decode(tokens);
/// </code>
/// </remarks>
public abstract class Tokenizer
{
    private protected Tokenizer()
    {
    }

    /// <summary>Name of the kind, as in JSON and on the command line: <c>byte</c>, <c>char</c>,
    /// <c>harris</c> or <c>gpt2</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>V: how many tokens there are.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>The token that stands before a document's first one and for no text itself; null where the kind has none.</summary>
    public virtual int? BeginningOfText => null;

    /// <summary>Makes a tokenizer of a kind, fitted to a text where the kind asks for it.</summary>
    /// <param name="kind"><c>byte</c>, or one that reads the whole source once: <c>char</c>, or <c>harris</c> or <c>harris-N</c>, a
    /// <see cref="HarrisTokenizer"/> of <see cref="HarrisTokenizer.DefaultSegmentCount"/> or N segments.</param>
    /// <param name="source">The text that is to be encoded.</param>
    /// <returns>A tokenizer of that kind.</returns>
    /// <exception cref="ArgumentException">The kind does not exist.</exception>
    /// <exception cref="TrainingDataException">The kind is fitted to the text, and the text is empty, not UTF-8 or too short.</exception>
    public static Tokenizer Create(string kind, TextSource source)
    {
        ArgumentNullException.ThrowIfNull(kind);
        ArgumentNullException.ThrowIfNull(source);
        return kind switch
        {
            ByteTokenizer.KindName => new ByteTokenizer(),
            CharTokenizer.KindName => CharTokenizer.FromSource(source),
            _ when HarrisTokenizer.SizeOf(kind) is int size => HarrisTokenizer.FromSource(source, size),
            _ => throw new ArgumentException(
                $"There is no tokenizer of kind '{kind}'; choose byte, char, harris-N with N segments, such as harris-2048, or load a saved one.", nameof(kind)),
        };
    }

    /// <summary>Whether <see cref="Create"/> knows a kind; what it does not know may be a file for <see cref="Load"/>.</summary>
    internal static bool IsKind(string kind) => kind is ByteTokenizer.KindName or CharTokenizer.KindName || HarrisTokenizer.SizeOf(kind) is not null;

    /// <summary>Reads a tokenizer from a file: one that <see cref="Save"/> wrote, such as <c>harris_segments.json</c>, or GPT-2's.</summary>
    /// <param name="path">A file of <see cref="Save"/>; a folder with one, or with GPT-2's <c>vocab.json</c> and <c>merges.txt</c> (or
    /// <c>encoder.json</c> and <c>vocab.bpe</c>, as they were first called); the first of these two; or a <c>.tiktoken</c> file.</param>
    /// <returns>The tokenizer; it no longer needs the files.</returns>
    /// <exception cref="FileNotFoundException">There is no such file, or not the second of the two.</exception>
    /// <exception cref="TrainingDataException">Not a tokenizer, or of a kind that this version does not know.</exception>
    public static Tokenizer Load(string path) => TokenizerFiles.Load(path);

    /// <summary>Writes the tokenizer to a file, as JSON; <see cref="Load"/> makes the same one of it. A file that is there is replaced as a
    /// whole or not at all.</summary>
    /// <param name="path">Its folder must exist.</param>
    /// <exception cref="ArgumentException">The path is empty.</exception>
    /// <exception cref="IOException">The folder does not exist, or the disk refuses the file.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written there.</exception>
    public void Save(string path) => TokenizerFiles.Save(this, path);

    /// <summary>Encodes a piece of a longer text, and says how much of it: a token that the next piece could lengthen is left for the
    /// next call.</summary>
    /// <param name="utf8">UTF-8. What the last call left comes first, then what follows it.</param>
    /// <param name="isFinal">The text ends here, so everything is to be encoded.</param>
    /// <param name="tokens">Receives the tokens.</param>
    /// <returns>How many bytes of <paramref name="utf8"/> have been encoded; all, if it is the final piece.</returns>
    /// <exception cref="InvalidTextException">Not UTF-8, and the kind minds.</exception>
    /// <exception cref="UnknownCharacterException">A character that has no token.</exception>
    public abstract int Encode(ReadOnlySpan<byte> utf8, bool isFinal, IBufferWriter<int> tokens);

    /// <summary>Encodes a whole text.</summary>
    /// <param name="utf8">UTF-8.</param>
    /// <returns>Its tokens, without <see cref="BeginningOfText"/>.</returns>
    /// <exception cref="InvalidTextException">Not UTF-8, and the kind minds.</exception>
    /// <exception cref="UnknownCharacterException">A character that has no token.</exception>
    public int[] Encode(ReadOnlySpan<byte> utf8)
    {
        var tokens = new ArrayBufferWriter<int>();
        Encode(utf8, isFinal: true, tokens);
        return tokens.WrittenSpan.ToArray();
    }

    /// <summary>Encodes a whole text.</summary>
    /// <param name="text">Any text; its UTF-8 form is encoded.</param>
    /// <returns>Its tokens, without <see cref="BeginningOfText"/>.</returns>
    /// <exception cref="InvalidTextException">Half a surrogate pair.</exception>
    /// <exception cref="UnknownCharacterException">A character that has no token.</exception>
    public int[] Encode(string text) => Encode(Utf8Text.Of(text, "the given text"));

    /// <summary>The bytes that a token stands for; not always whole characters, and none for <see cref="BeginningOfText"/>.</summary>
    /// <param name="token">In [0, <see cref="VocabularySize"/>).</param>
    /// <returns>UTF-8, or a part of a character's UTF-8. No copy is made.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such token.</exception>
    public abstract ReadOnlySpan<byte> BytesOf(int token);

    /// <summary>The bytes that tokens stand for: without loss, whatever was encoded.</summary>
    /// <param name="tokens">Each in [0, <see cref="VocabularySize"/>).</param>
    /// <returns>All their bytes in a row.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such token.</exception>
    public byte[] DecodeToBytes(ReadOnlySpan<int> tokens)
    {
        var bytes = new ArrayBufferWriter<byte>();
        foreach (int token in tokens)
            bytes.Write(BytesOf(token));
        return bytes.WrittenSpan.ToArray();
    }

    /// <summary>The text that tokens stand for. Bytes that are not UTF-8, as an untrained model writes them, become U+FFFD.</summary>
    /// <param name="tokens">Each in [0, <see cref="VocabularySize"/>).</param>
    /// <returns>The text.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such token.</exception>
    public string Decode(ReadOnlySpan<int> tokens) => Encoding.UTF8.GetString(DecodeToBytes(tokens));

    /// <summary>A decoder that takes one token after the other, for text that is shown while it is written.</summary>
    /// <returns>A decoder at the beginning of a text.</returns>
    public TokenDecoder CreateDecoder() => new(this);

    /// <summary>Writes the tokenizer as one JSON object; <see cref="Read"/> makes the same one of it.</summary>
    /// <param name="writer">Stands where a value may stand.</param>
    internal void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("kind", Kind);
        WriteMembers(writer);
        writer.WriteEndObject();
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <param name="json">The object.</param>
    /// <exception cref="TrainingDataException">Not a tokenizer, or of a kind that this version does not know.</exception>
    internal static Tokenizer Read(JsonElement json)
    {
        string kind = ReadString(json, "kind");
        return kind switch
        {
            ByteTokenizer.KindName => new ByteTokenizer(),
            CharTokenizer.KindName => CharTokenizer.FromCharacters(ReadString(json, CharTokenizer.CharactersName)),
            HarrisTokenizer.KindName => HarrisTokenizer.ReadFrom(json),
            Gpt2Tokenizer.KindName => Gpt2Tokenizer.ReadFrom(json),
            _ => throw new TrainingDataException(
                $"The saved tokenizer is of kind '{kind}', which this version of Andrea does not know; it knows byte, char, harris and gpt2. Use a newer version."),
        };
    }

    /// <summary>Writes what the kind alone does not say.</summary>
    private protected virtual void WriteMembers(Utf8JsonWriter writer)
    {
    }

    private protected ArgumentOutOfRangeException NoSuchToken(int token) => new(
        nameof(token), token, $"Token {token} does not exist; the {Kind} tokenizer has tokens 0 to {VocabularySize - 1}.");

    private protected static TrainingDataException Damaged(string what) =>
        new($"The saved tokenizer is damaged: it {what}. Use another checkpoint or file.");

    /// <summary>The member that is an array of strings.</summary>
    private protected static List<string> ReadStrings(JsonElement json, string name)
    {
        if (!json.TryGetProperty(name, out JsonElement member) || member.ValueKind != JsonValueKind.Array)
            throw Damaged($"has no array '{name}'");
        return [.. member.EnumerateArray().Select(item => StringOf(item) ?? throw Damaged($"has something in '{name}' that is no valid string"))];
    }

    private static string ReadString(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out JsonElement member) && StringOf(member) is { } text
            ? text
            : throw new TrainingDataException($"The saved tokenizer is damaged: it has no valid string '{name}'. Use another checkpoint.");

    private static string? StringOf(JsonElement json)
    {
        try
        {
            return json.ValueKind == JsonValueKind.String ? json.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair behind a \u escape: as damaged as a missing string.
            return null;
        }
    }
}
