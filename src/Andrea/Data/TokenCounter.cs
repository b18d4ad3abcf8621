using System.Buffers;

namespace Andrea.Data;

/// <summary>Counts the tokens of a text without keeping them.</summary>
internal sealed class TokenCounter : IBufferWriter<int>
{
    private int[] _scratch = [];

    /// <summary>How many tokens.</summary>
    public long Tokens { get; private set; }

    /// <summary>How many bytes of UTF-8 they stand for.</summary>
    public long Bytes { get; private set; }

    /// <summary>Infinite for no text.</summary>
    public double BytesPerToken => (double)Bytes / Tokens;

    /// <summary>Encodes a source, which stays readable.</summary>
    public static TokenCounter Count(TextSource source, Tokenizer tokenizer)
    {
        var counter = new TokenCounter();
        foreach (TextDocument document in source.Documents)
        {
            document.KeepForRereading();
            using Utf8BlockReader reader = document.OpenReader();
            while (reader.Read())
            {
                int used = tokenizer.Encode(reader.Text, reader.IsFinal, counter);
                reader.Advance(used);
                counter.Bytes += used;
            }
        }
        return counter;
    }

    public void Advance(int count) => Tokens += count;

    public Memory<int> GetMemory(int sizeHint = 0)
    {
        GetSpan(sizeHint);
        return _scratch;
    }

    public Span<int> GetSpan(int sizeHint = 0)
    {
        if (_scratch.Length < Math.Max(sizeHint, 1))
            _scratch = new int[Math.Max(sizeHint, 4096)];
        return _scratch;
    }
}
