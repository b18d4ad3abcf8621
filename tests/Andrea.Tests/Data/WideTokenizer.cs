using System.Buffers;
using Andrea.Data;

namespace Andrea.Tests.Data;

/// <summary>A test double with a large vocabulary, so that a token can say at which place of the data it stands.</summary>
internal sealed class WideTokenizer : Tokenizer
{
    public static readonly WideTokenizer Instance = new();

    public override string Kind => "wide";

    public override int VocabularySize => 1 << 20;

    public override int Encode(ReadOnlySpan<byte> utf8, bool isFinal, IBufferWriter<int> tokens) => throw new NotSupportedException();

    public override ReadOnlySpan<byte> BytesOf(int token) => (uint)token < VocabularySize ? "?"u8 : throw NoSuchToken(token);
}
