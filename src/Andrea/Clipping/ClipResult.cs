namespace Andrea.Clipping;

/// <summary>Why a step was skipped.</summary>
public enum SkipReason
{
    /// <summary>It was not.</summary>
    None,

    /// <summary>At least one gradient was NaN or Inf.</summary>
    NonFiniteGradients,

    /// <summary>The loss stood far above its recent values, or was not finite.</summary>
    LossSpike,

    /// <summary>The norm of the gradients stood far above its recent values.</summary>
    NormSpike,
}

/// <summary>What one clip found and did.</summary>
public readonly record struct ClipResult
{
    /// <summary>Which clip of its clipper this was, from 1.</summary>
    public required long Call { get; init; }

    /// <summary>L2 norm of all gradients before clipping, in double; NaN or +Infinity when one of them is.</summary>
    public required double NormBefore { get; init; }

    /// <summary>L2 norm after clipping.</summary>
    public required double NormAfter { get; init; }

    /// <summary><see cref="NormAfter"/> over <see cref="NormBefore"/>: what the gradients were multiplied by, where all were multiplied alike; exactly
    /// 1 when they were left alone.</summary>
    public required double Coefficient { get; init; }

    /// <summary>Largest |g| before clipping; NaN when one is NaN.</summary>
    public required double MaxMagnitude { get; init; }

    /// <summary>How many clips so far changed the gradients.</summary>
    public required long ClippedCalls { get; init; }

    /// <summary>How many clips so far were skipped.</summary>
    public required long SkippedCalls { get; init; }

    /// <summary>How many clips in a row, up to this one, were skipped for gradients that were not finite.</summary>
    public int ConsecutiveSkips { get; init; }

    /// <summary>Why the step was skipped, or <see cref="SkipReason.None"/>.</summary>
    public SkipReason SkipReason { get; init; }

    /// <summary>Number of NaN and Inf gradients.</summary>
    public long NonFiniteCount { get; init; }

    /// <summary>Name of the first tensor with one, or null.</summary>
    public string? FirstBadTensor { get; init; }

    /// <summary>Index of the first one within that tensor, or -1.</summary>
    public long FirstBadIndex
    {
        // Counted from 1 within, so that it is -1 where nothing is said.
        get => field - 1;
        init => field = value + 1;
    }

    /// <summary>Whether the step was skipped; <see cref="SkipReason"/> says why.</summary>
    public bool Skipped => SkipReason != SkipReason.None;

    /// <summary>Whether the gradients were changed.</summary>
    public bool Clipped => Call > 0 && Coefficient != 1;
}
