namespace Andrea.Training;

/// <summary>The spike guard has gone back as often as it may, and the run still spikes. Parameters and moments are those of the latest snapshot.</summary>
public sealed class SpikeGuardException : Exception
{
    internal SpikeGuardException(long step, long snapshotStep, int rollbacks)
        : base(
            $"Training still spikes at step {step}, after {rollbacks} rollbacks. The parameters are back at those of step {snapshotStep}: look at what the data holds there, "
            + "or go on from an earlier checkpoint with a lower learning rate or more warmup.")
    {
        Step = step;
        SnapshotStep = snapshotStep;
    }

    /// <summary>The step that was not made any more.</summary>
    public long Step { get; }

    /// <summary>The step whose parameters and moments the model has now.</summary>
    public long SnapshotStep { get; }
}
