using Andrea.Backends;

namespace Andrea.Training;

/// <summary>How a <see cref="Trainer"/> deals with spikes of loss and norm; <see cref="TrainerOptions.SpikeGuard"/>.</summary>
/// <remarks>
/// Narrow spikes: a step whose loss or norm stands far above the recent ones, by medians and median absolute deviation (MAD) from
/// their trend, is skipped on the device,
/// before its update, without synchronisation; its batch is tried again later, and given up when it spikes again. Wide spikes: many such
/// steps close together mean that the parameters are at fault; they, the moments and the state of optimizer and guard go back to a snapshot, batches are
/// passed over, and the learning rate is lower for a while. Only what stands above can be a spike: falling losses are none.
/// Of several sources, each is judged by its own steps alone. Under a curriculum, a source that was left alone is partly forgotten, and must be learned
/// again: of the first steps after an absence of 4 steps or more, as many as those but 12 at most, only those with NaN or Inf are skipped; after an
/// absence of a whole <see cref="Window"/>, what is usual begins anew. So a change from one source to another is seldom a spike. It still is where a model is so small that each source pushes the other
/// out for longer than that. A damaged batch in those steps is left to the clip.
/// <para>The step counter never goes back: after a rollback the run goes on with the next step, the schedule with it, so every step
/// occurs once in the records, and the steps since the snapshot are lost. Nor does the place in the data: batches seen since the snapshot are not seen
/// again. What is decided depends on step numbers alone, not on when results arrive: the host answers to step t before it makes step t + 2.</para>
/// <para>Cost: a kernel of one block a step; in memory 12 bytes a parameter for each snapshot, which a checkpoint also holds, so that a resumed run makes
/// the same bits. Skipping and retrying after PaLM (Chowdhery et al. 2022, arXiv:2204.02311, section 5.1: go back about 100 steps, pass over 200 to 500
/// batches) and Ling (arXiv:2503.05139: skip and retry later); thresholds are our own.</para>
/// It skips what would have healed, too: in the three runs without a fault of <c>andrea lab spikes</c>, at a rate of 0.01, it skipped 6 of 3,600 steps.
/// They were one spike that the rate made by itself in the warmup (the norm from 0.5 to 11, the loss from 3.0 to 3.5); without the guard that run
/// ended with the same loss.
/// </remarks>
public sealed record SpikeGuardOptions
{
    /// <summary>Accepted steps of its source by whose losses and norms a step is judged; 16 to 256.</summary>
    /// <value>128</value>
    public int Window { get; init; } = 128;

    /// <summary>Accepted steps of a source from which its steps are judged at all. Before that, only NaN and Inf are skipped.</summary>
    /// <value>32</value>
    public int Minimum { get; init; } = 32;

    /// <summary>z-score above which a loss is a spike.</summary>
    /// <value>8</value>
    public double LossSpike { get; init; } = 8;

    /// <summary>z-score above which a norm is a spike. Norms have a long tail, and the clip takes care of most of it; this is for what is far out.</summary>
    /// <value>50</value>
    public double NormSpike { get; init; } = 50;

    /// <summary>Least scale of a loss's z-score, as a share of the median.</summary>
    /// <value>0.02: a loss must stand 16 % above the median to be a spike, however calm it was; and 0.04 nats, since the scale is 0.005 at least</value>
    public double LossSmallestShare { get; init; } = 0.02;

    /// <summary>Least scale of a norm's z-score, as a share of the median.</summary>
    /// <value>0.1: a norm must be 6 times the median to be a spike, however calm it was</value>
    public double NormSmallestShare { get; init; } = 0.1;

    /// <summary>Steps after which a skipped batch is tried again, in the place of a fresh one; 2 or more.</summary>
    /// <value>50</value>
    public int RetryAfter { get; init; } = 50;

    /// <summary>How often a batch is tried again; then it is given up for good. 0 gives up at once.</summary>
    /// <value>1</value>
    public int MaxRetries { get; init; } = 1;

    /// <summary>Skipped steps within <see cref="WideWindow"/> that make a wide spike; 0 never goes back, and takes no snapshots.</summary>
    /// <value>10</value>
    public int WideCount { get; init; } = 10;

    /// <summary>Steps within which <see cref="WideCount"/> is counted; 1 to 64.</summary>
    /// <value>16</value>
    public int WideWindow { get; init; } = 16;

    /// <summary>Steps between snapshots. One is due then, and taken when none of the last <see cref="WideWindow"/> steps was skipped.</summary>
    /// <value>100</value>
    public int SnapshotEvery { get; init; } = 100;

    /// <summary>Snapshots that are kept, newest first; each takes 12 bytes a parameter. With one alone, a snapshot that was taken between the
    /// cause of a spike and its first sign leaves nothing to go back to.</summary>
    /// <value>2</value>
    public int Snapshots { get; init; } = 2;

    /// <summary>A snapshot this many steps before the first sign of a wide spike, or fewer, may hold its cause already: an older one is taken where there is one.</summary>
    /// <value>10</value>
    public int SnapshotMargin { get; init; } = 10;

    /// <summary>Batches that are passed over after a rollback, besides those seen since the snapshot.</summary>
    /// <value>16</value>
    public int SkipBatches { get; init; } = 16;

    /// <summary>Factor on the learning rate after a rollback; again for each that follows before the rate is back.</summary>
    /// <value>0.5</value>
    public double RateFactor { get; init; } = 0.5;

    /// <summary>Steps with the lower rate after a rollback; in as many more it comes back evenly.</summary>
    /// <value>100</value>
    public int RateSteps { get; init; } = 100;

    /// <summary>Rollbacks of the whole run; a wide spike beyond them goes back once more and ends the run with a <see cref="SpikeGuardException"/>.</summary>
    /// <value>5</value>
    public int MaxRollbacks { get; init; } = 5;

    internal SpikeSettings Settings => new(Window, Minimum, LossSpike, NormSpike, LossSmallestShare, NormSmallestShare);

    internal bool RollsBack => WideCount > 0;

    internal void Validate()
    {
        Check(nameof(Window), Window, 16, SpikeDecision.MaxCapacity);
        Check(nameof(Minimum), Minimum, 1, Window);
        Check(nameof(RetryAfter), RetryAfter, 2, 1 << 20);
        Check(nameof(MaxRetries), MaxRetries, 0, 1 << 20);
        Check(nameof(WideWindow), WideWindow, 1, 64);
        Check(nameof(WideCount), WideCount, 0, WideWindow);
        Check(nameof(SnapshotEvery), SnapshotEvery, 1, int.MaxValue);
        Check(nameof(Snapshots), Snapshots, 1, 64);
        Check(nameof(SnapshotMargin), SnapshotMargin, 0, int.MaxValue);
        Check(nameof(SkipBatches), SkipBatches, 0, int.MaxValue);
        Check(nameof(RateSteps), RateSteps, 0, int.MaxValue / 2);
        Check(nameof(MaxRollbacks), MaxRollbacks, 0, int.MaxValue);
        CheckNumber(nameof(LossSpike), LossSpike, double.MaxValue);
        CheckNumber(nameof(NormSpike), NormSpike, double.MaxValue);
        CheckNumber(nameof(LossSmallestShare), LossSmallestShare, double.MaxValue);
        CheckNumber(nameof(NormSmallestShare), NormSmallestShare, double.MaxValue);
        CheckNumber(nameof(RateFactor), RateFactor, 1);
    }

    private static void Check(string name, int value, int smallest, int largest)
    {
        if (value < smallest || value > largest)
            throw new ArgumentOutOfRangeException(name, value, $"The spike guard's {name} is {value}; expected {smallest} to {largest}.");
    }

    private static void CheckNumber(string name, double value, double largest)
    {
        if (!(value >= 0 && value <= largest))
            throw new ArgumentOutOfRangeException(name, value, $"The spike guard's {name} is {value}; expected a number from 0 to {(largest == 1 ? "1" : "the largest finite one")}.");
    }
}
