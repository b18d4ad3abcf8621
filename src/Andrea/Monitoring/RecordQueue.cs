using System.Diagnostics.CodeAnalysis;

namespace Andrea.Monitoring;

/// <summary>Records that have reached the host and were not taken yet, oldest first; when there are too many, the oldest goes.</summary>
/// <remarks>All records are made beforehand and used again and again.</remarks>
internal sealed class RecordQueue
{
    private readonly GradientRecord[] _ring;
    private GradientRecord _taken;
    private long _added, _removed;

    public RecordQueue(IReadOnlyList<MonitoredTensor> tensors, int capacity)
    {
        _ring = new GradientRecord[capacity];
        for (int i = 0; i < capacity; i++)
            _ring[i] = new GradientRecord(tensors);
        _taken = new GradientRecord(tensors);
    }

    /// <summary>The newest record, taken or not.</summary>
    public GradientRecord? Newest { get; private set; }

    /// <summary>The step of the record that would be taken next.</summary>
    public long? OldestStep => _removed < _added ? _ring[_removed % _ring.Length].Step : null;

    /// <summary>A place for the next record, to be filled in at once.</summary>
    public GradientRecord Add()
    {
        if (_added - _removed == _ring.Length)
            _removed++;
        return Newest = _ring[_added++ % _ring.Length];
    }

    /// <summary>Takes the oldest record; it stays as it is until the next is taken.</summary>
    public bool TryTake([NotNullWhen(true)] out GradientRecord? record)
    {
        record = null;
        if (_removed == _added)
            return false;
        ref GradientRecord place = ref _ring[_removed++ % _ring.Length];
        (place, _taken) = (_taken, place);
        record = _taken;
        return true;
    }
}
