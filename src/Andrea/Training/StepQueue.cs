using Andrea.Clipping;
using Andrea.Monitoring;

namespace Andrea.Training;

/// <summary>Steps that the device has been given but the host knows no result of yet, oldest first. On the CPU never more than one.</summary>
internal sealed class StepQueue(int capacity)
{
    private readonly StepRecord[] _ring = new StepRecord[capacity];
    private long _added, _clipped, _taken;

    public int Capacity => _ring.Length;

    public int Count => (int)(_added - _taken);

    /// <summary>Whether the oldest step's clip result has arrived.</summary>
    public bool OldestHasClip => _clipped > _taken;

    public void Add(in StepRecord record)
    {
        if (Count == Capacity)
            throw new InvalidOperationException($"{Count} steps wait for their results, as many as the queue holds.");
        _ring[_added++ % Capacity] = record;
    }

    /// <summary>The newest step's time is known.</summary>
    public void SetDuration(TimeSpan duration)
    {
        ref StepRecord newest = ref _ring[(_added - 1) % Capacity];
        newest = newest with { Duration = duration };
    }

    /// <summary>The clip result of the oldest step without one has arrived.</summary>
    public void Accept(ClipResult result)
    {
        if (_clipped == _added)
            return;
        ref StepRecord record = ref _ring[_clipped++ % Capacity];
        record = record with { Clip = result };
    }

    /// <summary>The loss of the oldest step has arrived, after its clip result; the step is complete.</summary>
    public StepRecord Take(double loss) => _ring[_taken++ % Capacity] with { Loss = loss };
}
