using System.Buffers;
using System.Diagnostics;
using System.Numerics;

namespace Andrea.Data;

/// <summary>Tokens in memory, in segments, so that it grows without copying and beyond 2^31 tokens.</summary>
internal abstract class TokenStore : IBufferWriter<int>
{
    internal const int SegmentLength = 1 << 20;

    private int[] _scratch = [];
    private ulong _hash = 0xCBF29CE484222325;

    /// <summary>Number of tokens.</summary>
    public long Length { get; private set; }

    /// <summary>A store for tokens of a vocabulary: 2 bytes a token up to 65,536 tokens, else 4.</summary>
    public static TokenStore For(int vocabularySize) => vocabularySize <= ushort.MaxValue + 1 ? new TokenStore<ushort>() : new TokenStore<int>();

    public Span<int> GetSpan(int sizeHint = 0)
    {
        if (_scratch.Length < Math.Max(sizeHint, 1))
            _scratch = new int[Math.Max(sizeHint, 4096)];
        return _scratch;
    }

    public Memory<int> GetMemory(int sizeHint = 0)
    {
        GetSpan(sizeHint);
        return _scratch;
    }

    public void Advance(int count) => Append(_scratch.AsSpan(0, count));

    /// <summary>Adds tokens at the end; each must be in the vocabulary.</summary>
    public void Append(ReadOnlySpan<int> tokens)
    {
        ulong hash = _hash;
        foreach (int token in tokens)
            hash = Mix(hash, (uint)token);
        _hash = hash;
        while (!tokens.IsEmpty)
        {
            int offset = (int)(Length % SegmentLength);
            int count = Math.Min(tokens.Length, SegmentLength - offset);
            AppendWithinSegment(tokens[..count], offset);
            Length += count;
            tokens = tokens[count..];
        }
    }

    /// <summary>Hash of all tokens in their order and further numbers: tells data apart, but is no protection against forgery.</summary>
    public ulong FingerprintWith(params ReadOnlySpan<ulong> numbers)
    {
        ulong hash = _hash;
        foreach (ulong number in numbers)
            hash = Mix(hash, number);
        return hash;
    }

    /// <summary>Gives back what was set aside for further tokens.</summary>
    public void TrimExcess()
    {
        _scratch = [];
        TrimLastSegment((int)(Length % SegmentLength));
    }

    /// <summary>destination[i] = token number start + i.</summary>
    public abstract void CopyTo(long start, Span<int> destination);

    /// <summary>A step of FNV-1a, over whole numbers instead of bytes.</summary>
    private static ulong Mix(ulong hash, ulong number) => (hash ^ number) * 0x100000001B3;

    protected abstract void AppendWithinSegment(ReadOnlySpan<int> tokens, int offset);

    protected abstract void TrimLastSegment(int length);
}

/// <summary>A store with <typeparamref name="T"/> for each token.</summary>
internal sealed class TokenStore<T> : TokenStore
    where T : unmanaged, IBinaryInteger<T>
{
    private readonly List<T[]> _segments = [];

    public override void CopyTo(long start, Span<int> destination)
    {
        Debug.Assert(start >= 0 && start + destination.Length <= Length);
        while (!destination.IsEmpty)
        {
            ReadOnlySpan<T> source = _segments[(int)(start / SegmentLength)].AsSpan((int)(start % SegmentLength));
            source = source[..Math.Min(source.Length, destination.Length)];
            for (int i = 0; i < source.Length; i++)
                destination[i] = int.CreateTruncating(source[i]);
            start += source.Length;
            destination = destination[source.Length..];
        }
    }

    protected override void AppendWithinSegment(ReadOnlySpan<int> tokens, int offset)
    {
        if (offset == 0)
            _segments.Add(GC.AllocateUninitializedArray<T>(SegmentLength));
        Span<T> destination = _segments[^1].AsSpan(offset, tokens.Length);
        for (int i = 0; i < destination.Length; i++)
            destination[i] = T.CreateTruncating(tokens[i]);
    }

    protected override void TrimLastSegment(int length)
    {
        if (length > 0)
            _segments[^1] = _segments[^1][..length];
    }
}
