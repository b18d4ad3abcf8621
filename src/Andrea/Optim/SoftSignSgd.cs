using Andrea.Backends;
using Andrea.Clipping;
using Andrea.Tensors;

namespace Andrea.Optim;

/// <summary>S3 (SoftSignSGD), fused: a soft sign of the gradient's average, so that no parameter moves by more than the learning rate in a step.</summary>
/// <remarks>
/// m = b m + (1 - b) g; s = b s + (1 - b) |g|^p; n = b m + (1 - b) g; d = (b s + (1 - b) |g|^p)^(1/p); p -= lr (n / d + wd p). Both averages have
/// the same weights, so |n / d| &lt;= 1 whatever the gradients were, where AdamW's update has no such bound. There is no epsilon and no bias
/// correction: both averages begin at 0, and n / d with them, at (1 - b^2)^(1 - 1/p) in the first step (0.21 for b = 0.95, p = 3).
/// Kept is r = s^(1/p), in gradients' unit (<see cref="Optimizer.SecondMoments"/>), and s never computed but as a fraction of
/// max(r, |g|)^p: |g|^3 of 1e-13 would be 0 in float32, and of 1e13 infinite; so any finite gradient will do. Where d is below 1e-38 nothing moves.
/// Cost and determinism are <see cref="AdamW"/>'s: 28 bytes a parameter, and 4 for the clipper's norm. A <c>GradientMonitor</c> shows r^2 for v.
/// The formulas are the abstract's and our reading of it, for the paper's algorithm was not to be had in full. Peng et al. 2025, arXiv:2507.06464.
/// <code>
/// using var clipper = new GradClipper(device, gradients);
/// using var optimizer = new SoftSignSgd(device, parameters, gradients, clipper: clipper);
/// optimizer.Step(learningRate: 3e-4); // measures, then clips and updates in one pass
/// </code>
/// </remarks>
public sealed class SoftSignSgd : Optimizer
{
    private readonly SoftSignSettings _settings;

    /// <summary>Prepares to optimise these parameters; both moments begin at 0.</summary>
    /// <param name="device">Where parameters and gradients lie.</param>
    /// <param name="parameters">The parameters; changed in place; not owned.</param>
    /// <param name="gradients">Their gradients, tensor for tensor of the same length; read only. An absent one is left out, as by <see cref="AdamW"/>.</param>
    /// <param name="options">Beta, p, decay; null for the defaults.</param>
    /// <param name="clipper">Measures the same gradients before each update; its coefficient is folded in. Null does not clip. Not owned.</param>
    /// <exception cref="ArgumentException">Parameters and gradients do not match or overlap, the clipper measures others, or an option is out of range.</exception>
    public SoftSignSgd(Device device, TensorSet parameters, TensorSet gradients, SoftSignOptions? options = null, GradClipper? clipper = null)
        : base(device, parameters, gradients, options ??= new SoftSignOptions(), clipper)
    {
        Options = options;
        _settings = new SoftSignSettings(options.Beta, options.Power);
    }

    /// <inheritdoc/>
    public override SoftSignOptions Options { get; }

    private protected override void Update(in UpdateOperands operands, DeviceBuffer<UpdateSums>? partials) =>
        Device.Backend.SoftSign(operands, _settings, partials);
}
