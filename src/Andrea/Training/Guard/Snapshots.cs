using Andrea.Tensors;
using Andrea.Training.Checkpoints;

namespace Andrea.Training.Guard;

/// <summary>Copies of a training state in the device's own memory, to go back to. Made once; taking one and going back to one neither wait nor allocate.</summary>
/// <remarks>Memory: as many arenas as the state has, for each snapshot. Not thread-safe.</remarks>
internal sealed class Snapshots : IDisposable
{
    private readonly OwnedMemory _owned = new();
    private readonly (string Name, ParameterArena Live)[] _arenas;
    private readonly DeviceState[] _states;
    private readonly ParameterArena[][] _copies;

    // Places of the snapshots, newest first, and the steps they are of; the rest are free.
    private readonly int[] _order;
    private readonly long[] _steps;

    /// <summary>Makes room for snapshots; there are none yet.</summary>
    /// <param name="device">Where the state lies.</param>
    /// <param name="capacity">How many are kept.</param>
    /// <param name="arenas">The state's arenas, under their names in a checkpoint; not owned.</param>
    /// <param name="states">Its small states; owned.</param>
    public Snapshots(Device device, int capacity, IEnumerable<(string Name, ParameterArena Live)> arenas, IEnumerable<DeviceState> states)
    {
        _arenas = [.. arenas];
        _states = [.. states];
        foreach (DeviceState state in _states)
            _owned.Add(state);
        _copies = new ParameterArena[capacity][];
        _order = [.. Enumerable.Range(0, capacity)];
        _steps = new long[capacity];
        try
        {
            for (int i = 0; i < capacity; i++)
                _copies[i] = [.. _arenas.Select(arena => _owned.Add(new ParameterArena(device, arena.Live.Layout)))];
        }
        catch
        {
            _owned.Dispose();
            throw;
        }
    }

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>Copies the state as it is after so many steps, in place of the oldest snapshot where all places are taken.</summary>
    public void Take(long step)
    {
        int place = _order[Math.Min(Count, _order.Length - 1)];
        Count = Math.Min(Count + 1, _order.Length);
        for (int i = Count - 1; i > 0; i--)
            _order[i] = _order[i - 1];
        _order[0] = place;
        _steps[place] = step;
        for (int i = 0; i < _arenas.Length; i++)
            _copies[place][i].Take(_arenas[i].Live);
        foreach (DeviceState state in _states)
            state.Capture(place);
    }

    /// <summary>Goes back to the newest snapshot of at most so many steps, or to the oldest where all are newer, and forgets those after it.</summary>
    /// <param name="atMost">Steps done when it was taken.</param>
    /// <returns>Which one it was.</returns>
    public long GoBack(long atMost)
    {
        int index = 0;
        while (index < Count - 1 && _steps[_order[index]] > atMost)
            index++;
        int place = _order[index];
        for (int i = 0; i < _arenas.Length; i++)
            _arenas[i].Live.Take(_copies[place][i]);
        foreach (DeviceState state in _states)
            state.Restore(place);
        // The forgotten ones' places become free.
        int[] rotated = [.. _order[index..Count], .. _order[..index], .. _order[Count..]];
        rotated.CopyTo(_order, 0);
        Count -= index;
        return _steps[place];
    }

    /// <summary>The tensors of the snapshots there are, newest first, for a file.</summary>
    public TensorGroup[] Groups =>
    [
        .. from index in Enumerable.Range(0, Count)
           from arena in Enumerable.Range(0, _arenas.Length)
           select new TensorGroup(System.FormattableString.Invariant($"snapshot{index}.{_arenas[arena].Name}."), _copies[_order[index]][arena]),
    ];

    /// <summary>The rest of them, for a checkpoint. Waits for the device.</summary>
    public SnapshotProgress[] Save() =>
        [.. _order[..Count].Select(place => new SnapshotProgress(_steps[place], [.. _states.Select(state => state.Read(place))]))];

    /// <summary>Makes room for as many snapshots as a checkpoint has, whose tensors are then read into <see cref="Groups"/>.</summary>
    /// <returns>Whether they fit: they do not where options have changed.</returns>
    public bool Expect(IReadOnlyList<SnapshotProgress> saved)
    {
        if (saved.Count > _order.Length || saved.Any(snapshot => snapshot.Device.Count != _states.Length))
            return false;
        Count = saved.Count;
        for (int i = 0; i < Count; i++)
        {
            _steps[_order[i]] = saved[i].Step;
            for (int k = 0; k < _states.Length; k++)
                if (!_states[k].Write(_order[i], saved[i].Device[k]))
                    return (Count = 0) > 0;
        }
        return true;
    }

    public void Dispose() => _owned.Dispose();
}
