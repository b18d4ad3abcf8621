using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Clipping.Policies;

/// <summary>Adaptive gradient clipping (AGC): the gradients of each unit, relative to the unit's parameters.</summary>
/// <remarks>
/// A unit is a row of a tensor of two and more dimensions, which is what leads to one output in weights of shape (out, in), or one token in a
/// table; a tensor of which no more than one dimension is above 1, such as a bias, is one unit. With norms of the unit's gradients g and parameters w:
/// |g| above factor * max(|w|, epsilon): g *= factor * max(|w|, epsilon) / |g|. Brock et al. 2021, arXiv:2102.06171, equation 3, and the authors' code.
/// Needs the parameters: an optimizer that gets the clipper provides them; else pass them to the clipper.
/// Different from the authors' code: no 1e-6 below |g|, which matters only where factor * epsilon is below that; weights are (out, in), not (in, out), so
/// layers that keep them the other way round, such as the Conv1D of some GPT-2 codes, are clipped by inputs. <see cref="GradClipperOptions.MaxNorm"/> and
/// <see cref="GradClipperOptions.Formula"/> are not used. The gradients themselves are scaled, by <see cref="GradClipper.Measure"/> and within AdamW, too.
/// Cost: a pass that reads 8 bytes a parameter, and reads and writes 4 more of units that are scaled; two launches; 16 bytes of memory a unit. A unit is
/// one warp's work, so a long vector takes a while.
/// </remarks>
public sealed record AgcPolicy : ClipPolicy
{
    internal const string Name = "agc";

    /// <summary>The policy with its defaults.</summary>
    public AgcPolicy()
        : base(Name)
    {
    }

    /// <summary>Largest norm of a unit's gradients, in units of its parameters' norm: lambda.</summary>
    /// <value>0.01</value>
    public double Factor { get; init; } = 0.01;

    /// <summary>What the parameters' norm counts as, at least, so that zeros can be learned away from.</summary>
    /// <value>1e-3</value>
    public double Epsilon { get; init; } = 1e-3;

    /// <summary>Names of tensors to leave alone; <c>*</c> stands for any run of characters. The paper leaves out the last linear layer.</summary>
    /// <value><c>lm_head*</c></value>
    public IReadOnlyList<string> Exclude
    {
        get;
        init => field = value ?? [];
    } = ["lm_head*"];

    internal override void Validate()
    {
        CheckPositive(nameof(Factor), Factor);
        CheckPositive(nameof(Epsilon), Epsilon);
        foreach (string pattern in Exclude)
            if (string.IsNullOrEmpty(pattern))
                throw new ArgumentException("A pattern of AgcPolicy.Exclude is empty. Leave it out, or name tensors, as in lm_head*.", nameof(Exclude));
    }

    /// <summary>Equal options.</summary>
    public bool Equals(AgcPolicy? other) => other is not null && (Factor, Epsilon) == (other.Factor, other.Epsilon) && Exclude.SequenceEqual(other.Exclude);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Factor, Epsilon, Exclude.Count);

    internal override PolicyWork CreateWork(Device device, TensorSet gradients, ChunkTable table, ClipSettings settings) =>
        new AgcWork(device, gradients, this);
}
