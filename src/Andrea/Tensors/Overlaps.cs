namespace Andrea.Tensors;

/// <summary>Looks for tensors that share memory: blocks of a kernel run in any order, so a parameter that is another's gradient would depend on it.</summary>
/// <remarks>Looks again whenever a tensor has moved, by sorting the addresses of all of them, and allocates nothing then; else one comparison.</remarks>
internal sealed class Overlaps
{
    private readonly (TensorSet Set, string Kind)[] _sets;

    // Of every tensor of every set, the sets one after the other.
    private readonly ulong[] _starts;
    private readonly int[] _tensors;
    private int _version;

    /// <summary>Looks for the first time.</summary>
    /// <param name="sets">The sets, each with what one of its tensors is called.</param>
    /// <exception cref="ArgumentException">Two tensors share memory; the message names both.</exception>
    public Overlaps(params (TensorSet Set, string Kind)[] sets)
    {
        _sets = sets;
        _starts = new ulong[sets.Sum(set => set.Set.Count)];
        _tensors = new int[_starts.Length];
        if (Find() is { } found)
            throw new ArgumentException(found);
        _version = CurrentVersion();
    }

    /// <summary>Looks again if something has moved.</summary>
    /// <exception cref="InvalidOperationException">A tensor has been moved onto another; thrown again until it lies elsewhere.</exception>
    public void Follow()
    {
        int version = CurrentVersion();
        if (version == _version)
            return;
        if (Find() is { } found)
            throw new InvalidOperationException(found);
        _version = version;
    }

    private int CurrentVersion()
    {
        int version = 0;
        foreach ((TensorSet set, _) in _sets)
            version += set.Version;
        return version;
    }

    /// <returns>A sentence about two tensors that share memory, or null. Absent and empty ones share none.</returns>
    private string? Find()
    {
        int count = 0, first = 0;
        foreach ((TensorSet set, _) in _sets)
        {
            for (int i = 0; i < set.Count; i++)
                if (set.AddressOf(i) != 0 && set.ShapeOf(i).Length > 0)
                    (_starts[count], _tensors[count++]) = ((nuint)set.AddressOf(i), first + i);
            first += set.Count;
        }
        Array.Sort(_starts, _tensors, 0, count);
        for (int i = 1; i < count; i++)
        {
            (TensorSet set, int tensor, string kind) = Locate(_tensors[i - 1]);
            if (_starts[i] - _starts[i - 1] < (ulong)set.ShapeOf(tensor).Length * sizeof(float))
            {
                (TensorSet second, int other, string otherKind) = Locate(_tensors[i]);
                return $"The {otherKind} '{second.NameOf(other)}' overlaps the {kind} '{set.NameOf(tensor)}' in memory. Give each tensor memory of its own.";
            }
        }
        return null;
    }

    private (TensorSet Set, int Tensor, string Kind) Locate(int index)
    {
        foreach ((TensorSet set, string kind) in _sets)
        {
            if (index < set.Count)
                return (set, index, kind);
            index -= set.Count;
        }
        throw new ArgumentOutOfRangeException(nameof(index));
    }
}
