namespace Andrea.Training.Faults;

/// <summary>What goes wrong.</summary>
internal enum FaultKind
{
    /// <summary>Rows of tokens drawn at random: text that no language has. Strength: share of the rows, 1 for all.</summary>
    OutlierBatch,

    /// <summary>Targets drawn at random below inputs that stay as they are. Strength: share of the targets.</summary>
    LabelNoise,

    /// <summary>Every token is another one, always the same: a language of the same statistics in other signs. Strength: share of the rows.</summary>
    SourceSwitch,

    /// <summary>One gradient is NaN. Strength is not used.</summary>
    NaNGradient,

    /// <summary>All gradients are multiplied by the strength; 0 is a stretch without gradients, in which second moments die away.</summary>
    GradientScale,

    /// <summary>The learning rate is multiplied by the strength.</summary>
    LearningRate,

    /// <summary>All parameters are multiplied by the strength before the step, for good.</summary>
    ParameterScale,

    /// <summary>One bit of one parameter is the other one from before the step on, for good, as when memory fails. Strength: number of the bit, 0 to
    /// 31; 31 is the sign, 30 to 23 the exponent.</summary>
    FlippedBit,

    /// <summary>All tokens are the micro-batch's first one: text that says one thing again and again. Strength: share of the rows.</summary>
    RepeatedToken,
}

/// <summary>One thing that goes wrong on purpose.</summary>
/// <param name="Kind">What.</param>
/// <param name="First">First step, from 1. Of faults of the data: the step that draws the batch; it is as bad when it is trained on again.</param>
/// <param name="Last">Last step.</param>
/// <param name="Strength">How much; see <see cref="FaultKind"/>.</param>
internal sealed record Fault(FaultKind Kind, long First, long Last, double Strength = 1)
{
    /// <summary>Whether it is about this step.</summary>
    public bool IsAt(long step) => step >= First && step <= Last;
}
