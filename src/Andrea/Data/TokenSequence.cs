namespace Andrea.Data;

/// <summary>Tokens in a row: a part of a <see cref="TokenDataset"/>. A view; any number of threads may read it.</summary>
public sealed class TokenSequence
{
    private readonly TokenStore _store;

    // Stretches of the store, one after the other; the parts of several sources lie apart.
    private readonly Stretch[] _stretches;

    internal TokenSequence(TokenStore store, long start, long length, string name)
        : this(store, [new Stretch(start, length)], name)
    {
    }

    internal TokenSequence(TokenStore store, Stretch[] stretches, string name)
    {
        _store = store;
        _stretches = stretches;
        Length = stretches.Sum(stretch => stretch.Length);
        Name = name;
    }

    /// <summary>Number of tokens.</summary>
    public long Length { get; }

    /// <summary>What it is, for messages: <c>training part</c> or <c>validation part</c>, with the source's name where there are several.</summary>
    public string Name { get; }

    /// <summary>Copies tokens: destination[i] = token number start + i. Allocates nothing.</summary>
    /// <param name="start">Number of the first token, from 0.</param>
    /// <param name="destination">As many as are wanted.</param>
    /// <exception cref="ArgumentOutOfRangeException">Reaches beyond the ends.</exception>
    public void CopyTo(long start, Span<int> destination)
    {
        if (start < 0 || start > Length - destination.Length)
        {
            throw new ArgumentOutOfRangeException(
                nameof(start), start, $"Tokens {start} to {start + destination.Length - 1} were asked for; the {Name} has {Length} tokens, from 0.");
        }
        foreach (Stretch stretch in _stretches)
        {
            if (start < stretch.Length && !destination.IsEmpty)
            {
                int count = (int)Math.Min(stretch.Length - start, destination.Length);
                _store.CopyTo(stretch.Start + start, destination[..count]);
                destination = destination[count..];
                start += count;
            }
            start -= stretch.Length;
        }
    }

    /// <summary>All tokens in a new array.</summary>
    /// <returns>A copy of them, in order.</returns>
    /// <exception cref="OverflowException">More tokens than an array can have.</exception>
    public int[] ToArray()
    {
        var tokens = new int[checked((int)Length)];
        CopyTo(0, tokens);
        return tokens;
    }

    /// <summary>Tokens that lie in a row in the store.</summary>
    internal readonly record struct Stretch(long Start, long Length);
}
