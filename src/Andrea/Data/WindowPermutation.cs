using Andrea.Numerics;

namespace Andrea.Data;

/// <summary>A shuffled order of 0 to count - 1 that is computed element by element from a key, with no table.</summary>
/// <remarks>
/// An unbalanced Feistel network over a rectangle of rows x columns >= count cells: each round adds a random function of the column to
/// the row, or of the row to the column, which can be undone and is therefore a permutation. A cell beyond count is permuted again until
/// one within is hit ("cycle walking", Black and Rogaway 2002), which is rare, as the rectangle has fewer than sqrt(count) cells too many.
/// </remarks>
internal readonly struct WindowPermutation
{
    private const uint Rounds = 8;

    private readonly long _count, _rows, _columns;
    private readonly ulong _key;

    public WindowPermutation(long count, ulong key)
    {
        _count = count;
        _rows = (long)Math.Ceiling(Math.Sqrt(count));
        _columns = (count + _rows - 1) / _rows;
        _key = key;
    }

    /// <summary>The element at a place.</summary>
    /// <param name="place">In [0, count).</param>
    public long At(long place)
    {
        do
            place = Permute(place);
        while (place >= _count);
        return place;
    }

    private long Permute(long cell)
    {
        (long row, long column) = Math.DivRem(cell, _columns);
        for (uint round = 0; round < Rounds; round += 2)
        {
            row = (row + Draw(round, column, _rows)) % _rows;
            column = (column + Draw(round + 1, row, _columns)) % _columns;
        }
        return row * _columns + column;
    }

    /// <summary>A random function of (round, value) with results in [0, bound).</summary>
    private long Draw(uint round, long value, long bound)
    {
        (uint high, uint low, _, _) = Philox.Block((uint)_key, (uint)(_key >> 32), (uint)value, (uint)(value >> 32), round, 0);
        return (long)Math.BigMul(((ulong)high << 32) | low, (ulong)bound, out _);
    }
}
