using Andrea.Monitoring;

namespace Andrea.Training.Guard;

/// <summary>All that a <see cref="SpikeGuard"/> needs to go on with the same bits; part of a checkpoint.</summary>
internal sealed record GuardProgress
{
    /// <summary>Steps whose results have not been answered yet.</summary>
    public IReadOnlyList<GuardTurn> Turns { get; init => field = value ?? []; } = [];

    /// <summary>Batches that wait for their retry, in the order in which they are due.</summary>
    public IReadOnlyList<GuardRetry> Retries { get; init => field = value ?? []; } = [];

    /// <summary>Of the last 64 answered steps, which were skipped: the newest in the lowest bit.</summary>
    public ulong Flags { get; init; }

    /// <summary>Steps from which results count; earlier ones were made with parameters that are gone.</summary>
    public long CountsFrom { get; init; }

    /// <summary>Steps skipped so far.</summary>
    public long SkippedSteps { get; init; }

    /// <summary>Rollbacks so far.</summary>
    public int Rollbacks { get; init; }

    /// <summary>The step that the learning rate was lowered at; 0 when it never was.</summary>
    public long LoweredAt { get; init; }

    /// <summary>Factor on the learning rate from there.</summary>
    public double LoweredTo { get; init; } = 1;

    /// <summary>Step of the latest snapshot or rollback, from which the next snapshot counts.</summary>
    public long SnapshotFrom { get; init; }

    /// <summary>Step of the snapshot of the latest rollback while there is none newer; -1 otherwise.</summary>
    public long RolledBackTo { get; init; } = -1;

    /// <summary>Where each source stands; empty without a curriculum or with one source, and in checkpoints from before it was kept.</summary>
    public IReadOnlyList<SourceVisit> Visits { get; init => field = value ?? []; } = [];

    /// <summary>What the device knows: its windows, then the rest.</summary>
    public IReadOnlyList<byte[]> Device { get; init => field = value ?? []; } = [];

    /// <summary>The snapshots, newest first; their tensors are in a file of their own.</summary>
    public IReadOnlyList<SnapshotProgress> Snapshots { get; init => field = value ?? []; } = [];
}

/// <summary>A snapshot, without its tensors.</summary>
/// <param name="Step">Steps done when it was taken.</param>
/// <param name="Device">The small states of the device then.</param>
internal sealed record SnapshotProgress(long Step, IReadOnlyList<byte[]> Device);
