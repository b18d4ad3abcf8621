using System.Buffers;

namespace Andrea.Data;

/// <summary>One token per byte of UTF-8, 0 to 255, and 256 for the beginning of a text: V = 257. Encodes anything, text or not, without
/// loss.</summary>
public sealed class ByteTokenizer : Tokenizer
{
    internal const string KindName = "byte";

    private const int ByteCount = 256;
    private static readonly byte[] AllBytes = [.. Enumerable.Range(0, ByteCount).Select(value => (byte)value)];

    /// <inheritdoc/>
    public override string Kind => KindName;

    /// <inheritdoc/>
    public override int VocabularySize => ByteCount + 1;

    /// <summary>256.</summary>
    public override int? BeginningOfText => ByteCount;

    /// <summary>Encodes bytes, whether or not they are UTF-8; one token each.</summary>
    /// <inheritdoc/>
    public override int Encode(ReadOnlySpan<byte> utf8, bool isFinal, IBufferWriter<int> tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        if (utf8.IsEmpty)
            return 0;
        Span<int> output = tokens.GetSpan(utf8.Length);
        for (int i = 0; i < utf8.Length; i++)
            output[i] = utf8[i];
        tokens.Advance(utf8.Length);
        return utf8.Length;
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> BytesOf(int token) => (uint)token switch
    {
        < ByteCount => AllBytes.AsSpan(token, 1),
        ByteCount => default,
        _ => throw NoSuchToken(token),
    };
}
