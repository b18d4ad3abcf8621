using System.Buffers;
using System.Text;
using Andrea.Data;

namespace Andrea.Tests.Data;

/// <summary>A test double for tokenizers whose tokens depend on what follows: one token per run of non-spaces or spaces, its
/// length.</summary>
internal sealed class WordTokenizer : Tokenizer
{
    public override string Kind => "word";

    public override int VocabularySize => 70_000;

    public override int Encode(ReadOnlySpan<byte> utf8, bool isFinal, IBufferWriter<int> tokens)
    {
        int start = 0;
        for (int end = 1; end <= utf8.Length; end++)
        {
            bool isEnd = end == utf8.Length ? isFinal : utf8[end] == ' ' != (utf8[start] == ' ');
            if (!isEnd)
                continue;
            tokens.Write([end - start]);
            start = end;
        }
        return start;
    }

    public override ReadOnlySpan<byte> BytesOf(int token) =>
        (uint)token < VocabularySize ? Encoding.UTF8.GetBytes(new string('x', token)) : throw NoSuchToken(token);
}
