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

    /// <summary>Name of the kind, as in JSON and on the command line: <c>byte</c> or <c>char</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>V: how many tokens there are.</summary>
    public abstract int VocabularySize { get; }

    /// <summary>The token that stands before a document's first one and for no text itself; null where the kind has none.</summary>
    public virtual int? BeginningOfText => null;

    /// <summary>Makes a tokenizer of a kind, fitted to a text where the kind asks for it.</summary>
    /// <param name="kind"><c>byte</c>, or <c>char</c>, which reads the whole source once.</param>
    /// <param name="source">The text that is to be encoded.</param>
    /// <exception cref="ArgumentException">The kind does not exist.</exception>
    /// <exception cref="TrainingDataException">The kind is fitted to the text, and the text is empty or not UTF-8.</exception>
    public static Tokenizer Create(string kind, TextSource source) => kind switch
    {
        ByteTokenizer.KindName => new ByteTokenizer(),
        CharTokenizer.KindName => CharTokenizer.FromSource(source),
        _ => throw new ArgumentException(
            $"There is no tokenizer of kind '{kind}'; choose {ByteTokenizer.KindName} or {CharTokenizer.KindName}.", nameof(kind)),
    };

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
    /// <exception cref="ArgumentOutOfRangeException">There is no such token.</exception>
    public string Decode(ReadOnlySpan<int> tokens) => Encoding.UTF8.GetString(DecodeToBytes(tokens));

    /// <summary>A decoder that takes one token after the other, for text that is shown while it is written.</summary>
    public TokenDecoder CreateDecoder() => new(this);

    /// <summary>Writes the tokenizer as one JSON object; <see cref="Read"/> makes the same one of it.</summary>
    /// <param name="writer">Stands where a value may stand.</param>
    public void Write(Utf8JsonWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStartObject();
        writer.WriteString("kind", Kind);
        WriteMembers(writer);
        writer.WriteEndObject();
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <param name="json">The object.</param>
    /// <exception cref="TrainingDataException">Not a tokenizer, or of a kind that this version does not know.</exception>
    public static Tokenizer Read(JsonElement json)
    {
        string kind = ReadString(json, "kind");
        return kind switch
        {
            ByteTokenizer.KindName => new ByteTokenizer(),
            CharTokenizer.KindName => CharTokenizer.FromCharacters(ReadString(json, CharTokenizer.CharactersName)),
            _ => throw new TrainingDataException(
                $"The saved tokenizer is of kind '{kind}', which this version of Andrea does not know; it knows byte and char. Use a newer version."),
        };
    }

    /// <summary>Writes what the kind alone does not say.</summary>
    private protected virtual void WriteMembers(Utf8JsonWriter writer)
    {
    }

    private protected ArgumentOutOfRangeException NoSuchToken(int token) => new(
        nameof(token), token, $"Token {token} does not exist; the {Kind} tokenizer has tokens 0 to {VocabularySize - 1}.");

    private static string ReadString(JsonElement json, string name)
    {
        if (json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out JsonElement member) && member.ValueKind == JsonValueKind.String)
        {
            try
            {
                return member.GetString()!;
            }
            catch (InvalidOperationException)
            {
                // Half a surrogate pair behind a \u escape: as damaged as a missing string.
            }
        }
        throw new TrainingDataException($"The saved tokenizer is damaged: it has no valid string '{name}'. Use another checkpoint.");
    }
}
