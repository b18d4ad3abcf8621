namespace Andrea.Monitoring;

/// <summary>A step, or the gradients of one, on its way to observers.</summary>
internal struct QueuedRecord
{
    /// <summary>Its place among all records of a queue.</summary>
    public long Sequence;

    /// <summary>The step; not used where <see cref="Gradients"/> is set.</summary>
    public StepRecord Step;

    /// <summary>A copy of the gradients, or null for a step.</summary>
    public GradientRecord? Gradients;
}

/// <summary>Steps and gradients that wait, oldest first, in memory made once. Not thread-safe.</summary>
/// <remarks>Copies of gradients go round: <see cref="Return"/> one that has been delivered, and <see cref="Add(long, GradientRecord)"/> uses it
/// again. The first one makes 64; where more have to wait at the same time there are as many, at most the capacity and the one being delivered.</remarks>
internal sealed class RecordRing(int capacity)
{
    // So many wait at most where observers keep up, disks included, so that after the first record training allocates nothing.
    private const int CopiesAtOnce = 64;

    private readonly QueuedRecord[] _slots = new QueuedRecord[capacity];
    private readonly GradientRecord?[] _spare = new GradientRecord?[capacity + 1];
    private IReadOnlyList<MonitoredTensor>? _copiesOf;
    private int _first, _spareCount;

    public int Count { get; private set; }

    public bool IsFull => Count == _slots.Length;

    /// <summary>Sequence number of the oldest record, or <see cref="long.MaxValue"/>.</summary>
    public long Oldest => Count == 0 ? long.MaxValue : _slots[_first].Sequence;

    public void Add(long sequence, in StepRecord step)
    {
        ref QueuedRecord slot = ref NextFree();
        slot.Sequence = sequence;
        slot.Step = step;
        slot.Gradients = null;
    }

    public void Add(long sequence, GradientRecord gradients)
    {
        GradientRecord copy = TakeSpare(gradients);
        gradients.CopyTo(copy);
        ref QueuedRecord slot = ref NextFree();
        slot.Sequence = sequence;
        slot.Gradients = copy;
    }

    public void Take(out QueuedRecord record)
    {
        ref QueuedRecord slot = ref _slots[_first];
        record = slot;
        slot.Gradients = null;
        _first = (_first + 1) % _slots.Length;
        Count--;
    }

    /// <summary>Drops the oldest record; with a step goes what is known of its gradients.</summary>
    /// <returns>How many records that were.</returns>
    public int DropOldest()
    {
        Take(out QueuedRecord dropped);
        if (dropped.Gradients is not null)
        {
            Return(dropped.Gradients);
            return 1;
        }
        if (Count == 0 || _slots[_first].Gradients is not { } gradients || gradients.Step != dropped.Step.Step)
            return 1;
        Take(out _);
        Return(gradients);
        return 2;
    }

    /// <summary>Gives back a copy that nobody reads any more.</summary>
    public void Return(GradientRecord copy)
    {
        if (_spareCount < _spare.Length)
            _spare[_spareCount++] = copy;
    }

    private ref QueuedRecord NextFree() => ref _slots[(_first + Count++) % _slots.Length];

    private GradientRecord TakeSpare(GradientRecord like)
    {
        while (_spareCount > 0)
        {
            GradientRecord copy = _spare[--_spareCount]!;
            _spare[_spareCount] = null;
            // Another monitor's copies have another length; they are not needed again.
            if (ReferenceEquals(copy.Tensors, like.Tensors))
                return copy;
        }
        if (!ReferenceEquals(_copiesOf, like.Tensors))
        {
            _copiesOf = like.Tensors;
            while (_spareCount < Math.Min(CopiesAtOnce, _slots.Length))
                _spare[_spareCount++] = new GradientRecord(like.Tensors);
        }
        return new GradientRecord(like.Tensors);
    }
}
