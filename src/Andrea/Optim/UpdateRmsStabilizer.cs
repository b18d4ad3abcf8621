using Andrea.Backends;

namespace Andrea.Optim;

/// <summary>StableAdamW: a tensor whose gradients have outgrown their second moment learns at a lower rate in that step.</summary>
/// <remarks>
/// lr of the tensor is divided by max(1, RMS), RMS = sqrt(mean(g^2 / max(v, epsilon^2))), over its elements. g is clipped; v is the second moment with
/// this step's g in it, corrected for its bias, for the authors keep their averages free of bias: u = b u + (1 - b) g^2 with
/// b = beta2 (1 - beta2^(t-1)) / (1 - beta2^t) is v / (1 - beta2^t). The rate of the decay is divided, too, as in the paper's algorithm 2 and in
/// optimi; the authors' published code divides the update's alone. Cost: g and v are read once more, so 36 bytes a parameter instead of 28, and two launches.
/// Wortsman et al. 2023, arXiv:2304.13013.
/// </remarks>
public sealed record UpdateRmsStabilizer : Stabilizer
{
    internal override StabilizerSettings ToSettings(double epsilon) => new() { Kind = (int)StabilizerKind.UpdateRms };
}
