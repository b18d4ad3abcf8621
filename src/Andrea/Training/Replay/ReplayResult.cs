namespace Andrea.Training.Replay;

/// <summary>What a recomputed step says about the recorded one.</summary>
internal enum ReplayVerdict
{
    /// <summary>The same bits, and neither loss nor norm is unusual.</summary>
    Usual,

    /// <summary>The same bits; this batch is unusual, others are not: it is in the data.</summary>
    Data,

    /// <summary>The same bits; other batches give such losses or norms, too: the parameters were at fault before the step, so an earlier step is.</summary>
    Parameters,

    /// <summary>The same bits, but with sums in double the result is another: float32 is at fault.</summary>
    Numerics,

    /// <summary>Other bits than were recorded: the machine, or something else that is not a function of data and seed.</summary>
    Hardware,

    /// <summary>Other bits than were recorded, but the run was gone on with since, and what options it had until then is not known: nothing is proved.</summary>
    Unknown,
}

/// <summary>What is compared of a step, bit for bit.</summary>
/// <param name="Loss">Mean loss of the batch.</param>
/// <param name="Norm">Norm before clipping.</param>
/// <param name="Coefficient">What gradients were multiplied by.</param>
internal readonly record struct StepBits(double Loss, double Norm, double Coefficient)
{
    /// <summary>Whether every number has the same bits; all NaN are one.</summary>
    public bool IsSame(StepBits other) => IsSame(Loss, other.Loss) && IsSame(Norm, other.Norm) && IsSame(Coefficient, other.Coefficient);

    /// <summary>Whether two numbers have the same bits; all NaN are one.</summary>
    public static bool IsSame(double a, double b) =>
        (double.IsNaN(a) && double.IsNaN(b)) || BitConverter.DoubleToInt64Bits(a) == BitConverter.DoubleToInt64Bits(b);
}

/// <summary>One sequence of the step's batch.</summary>
/// <param name="Number">Its number in the step, from 0, over all micro-batches.</param>
/// <param name="Loss">Its mean loss under the parameters before the step.</param>
/// <param name="ZScore">How far it stands above the sequences of the batches that follow.</param>
/// <param name="Text">What it says.</param>
internal sealed record ReplayRow(int Number, double Loss, double ZScore, string Text);

/// <summary>One tensor's gradient in the step.</summary>
/// <param name="Name">The tensor.</param>
/// <param name="Norm">Norm before clipping.</param>
/// <param name="ZScore">How far it stands above its recorded norms before; NaN where too few were recorded.</param>
/// <param name="Median">Median of those.</param>
internal sealed record ReplayTensor(string Name, double Norm, double ZScore, double Median);

/// <summary>A step that was made again.</summary>
internal sealed record ReplayResult
{
    /// <summary>The step.</summary>
    public required long Step { get; init; }

    /// <summary>Steps done at the checkpoint that it was made from; 0 for the beginning.</summary>
    public required long From { get; init; }

    /// <summary>What it means.</summary>
    public required ReplayVerdict Verdict { get; init; }

    /// <summary>The same in a sentence, with the numbers it rests on.</summary>
    public required string Sentence { get; init; }

    /// <summary>As recorded: of <see cref="DifferentStep"/> where there is one, else of the step.</summary>
    public required StepBits Recorded { get; init; }

    /// <summary>As recomputed, likewise.</summary>
    public required StepBits Recomputed { get; init; }

    /// <summary>The first step whose bits are not the recorded ones; null when all are.</summary>
    public long? DifferentStep { get; init; }

    /// <summary>Name of the source of the step's batch; null where there is only one.</summary>
    public string? Source { get; init; }

    /// <summary>Recorded steps before of the same source, by which it is judged.</summary>
    public int History { get; init; }

    /// <summary>z-scores of loss and norm among those; +Inf for what is not finite, 0 where they are too few.</summary>
    public double LossScore { get; init; }

    /// <summary>See <see cref="LossScore"/>.</summary>
    public double NormScore { get; init; }

    /// <summary>Median of the batch's sequences' losses, under the parameters before the step.</summary>
    public double RowMedian { get; init; }

    /// <summary>Mean loss of the batches that follow, under the same parameters.</summary>
    public double OtherLoss { get; init; }

    /// <summary>Mean norm of their gradients, likewise.</summary>
    public double OtherNorm { get; init; }

    /// <summary>The sequences with the highest losses, highest first; those that are not finite before them.</summary>
    public IReadOnlyList<ReplayRow> WorstRows { get; init; } = [];

    /// <summary>The tensors whose norms stand out most, most first.</summary>
    public IReadOnlyList<ReplayTensor> Tensors { get; init; } = [];

    /// <summary>The first element of a gradient that is not finite, such as <c>wte[17]</c>; null when all are.</summary>
    public string? FirstNonFinite { get; init; }

    /// <summary>Loss and norm on the reference device, whose sums are in double; null when that was not asked for.</summary>
    public (double Loss, double Norm)? Reference { get; init; }
}
