using Andrea.Clipping;
using TorchSharp;
using TorchSharp.Modules;
using TorchAdamW = TorchSharp.Modules.AdamW;

namespace Andrea.TorchSharp;

/// <summary>TorchSharp's AdamW with a fused step: one pass over parameters, gradients and moments, in place, and clipping within it.</summary>
/// <remarks>
/// It is a TorchSharp AdamW: parameter groups, learning rate schedulers, zero_grad, state_dict, save_state_dict and load_state_dict are inherited, and its
/// files and TorchSharp's can be exchanged. m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p = (1 - lr wd) p - lr / (1 - b1^t) * m / (sqrt(v / (1 - b2^t)) + eps);
/// t counts for each parameter, parameters without a gradient are passed by. Cost: 28 bytes a parameter, 4 more with clipping; a small TorchSharp object for each
/// parameter (its grad); on a GPU 1 launch, 3 with clipping, on the default stream, and no synchronisation (see <see cref="Andrea.Optim.ExternalAdamW"/> for the exceptions).
/// Unlike TorchSharp's: with clipping a step whose gradients hold NaN or Inf changes nothing, not even t; amsgrad and maximize are refused; a parameter's
/// autograd version does not change. The parameters, and the moments in the state, must stay dense contiguous Float32 on one device. Not thread-safe.
/// </remarks>
public sealed class AdamW : TorchAdamW
{
    private readonly GradClipperOptions? _clip;

    // Only names for messages; not every parameter needs one.
    private readonly Dictionary<nint, string> _names = [];
    private readonly bool _isConstructed;
    private FusedStep? _fused;

    /// <summary>Prepares to optimise groups of parameters.</summary>
    /// <param name="parameters">Groups of parameters, each with learning rate, decay, betas and epsilon of its own where it sets them; not owned.</param>
    /// <param name="lr">Learning rate of groups that set none; as the following.</param>
    /// <param name="beta1">Decay of the first moment.</param>
    /// <param name="beta2">Decay of the second moment.</param>
    /// <param name="eps">Added to the root of the second moment.</param>
    /// <param name="weight_decay">Decoupled weight decay of every parameter, whatever its shape.</param>
    /// <param name="clip">How the gradients of all groups together are clipped; null does not clip.</param>
    /// <exception cref="NotSupportedException">A parameter, or an option of a group, is of a kind that Andrea does not work on; the message names it.</exception>
    /// <exception cref="ArgumentException">A parameter is given twice, there is none, or a number is out of range.</exception>
    public AdamW(
        IEnumerable<ParamGroup> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0,
        GradClipperOptions? clip = null)
        : base(parameters, lr, beta1, beta2, eps, weight_decay)
    {
        _clip = clip;
        _isConstructed = true;
        BindOrGiveBack();
    }

    /// <summary>Prepares to optimise parameters that have names, for messages and results.</summary>
    /// <param name="parameters">The parameters with their names, as <c>named_parameters()</c> gives them.</param>
    /// <param name="lr">Learning rate; the following as above.</param>
    /// <param name="beta1">Decay of the first moment.</param>
    /// <param name="beta2">Decay of the second moment.</param>
    /// <param name="eps">Added to the root of the second moment.</param>
    /// <param name="weight_decay">Decoupled weight decay of every parameter, whatever its shape.</param>
    /// <param name="clip">How the gradients of all groups together are clipped; null does not clip.</param>
    /// <exception cref="NotSupportedException">A parameter, or an option of a group, is of a kind that Andrea does not work on; the message names it.</exception>
    /// <exception cref="ArgumentException">A parameter is given twice, there is none, or a number is out of range.</exception>
    public AdamW(
        IEnumerable<(string name, Parameter parameter)> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8,
        double weight_decay = 0, GradClipperOptions? clip = null)
        : this(parameters.ToArray(), lr, beta1, beta2, eps, weight_decay, clip)
    {
    }

    private AdamW(
        (string Name, Parameter Parameter)[] parameters, double lr, double beta1, double beta2, double eps, double weightDecay, GradClipperOptions? clip)
        : base(Array.ConvertAll(parameters, entry => entry.Parameter), lr, beta1, beta2, eps, weightDecay)
    {
        _clip = clip;
        foreach ((string name, Parameter parameter) in parameters)
            _names[parameter.Handle] = name;
        _isConstructed = true;
        BindOrGiveBack();
    }

    /// <summary>What clipping has found and done, or null without clipping: <see cref="GradClipper.Latest"/> never waits, <see cref="GradClipper.Read"/> does.</summary>
    /// <value>Another object after <see cref="add_param_group"/>.</value>
    public GradClipper? Clipper => _fused?.Clipper;

    /// <summary>Clips, if it was asked for, and updates the parameters that have gradients.</summary>
    /// <param name="closure">Computes the loss anew, gradients included; null when that has been done.</param>
    /// <returns>What the closure returned, or null.</returns>
    /// <exception cref="NotSupportedException">A gradient is of a kind that Andrea does not work on; nothing was changed.</exception>
    /// <exception cref="NonFiniteGradientException">As for <see cref="GradClipper.Measure"/>: the policy is Throw, or too many steps in a row were skipped.</exception>
    public override torch.Tensor? step(Func<torch.Tensor>? closure = null)
    {
        torch.Tensor? loss = null;
        if (closure is not null)
        {
            using (torch.enable_grad())
                loss = closure();
        }
        (_fused ?? throw new ObjectDisposedException(nameof(AdamW))).Step();
        return loss;
    }

    /// <summary>Adds a group; its parameters' steps are counted from 0.</summary>
    /// <param name="param_group">The group; amsgrad and maximize are refused.</param>
    /// <exception cref="NotSupportedException">A parameter, or an option of a group, is of a kind that Andrea does not work on; the message names it.</exception>
    /// <exception cref="ArgumentException">A parameter is given twice, there is none, or a number is out of range.</exception>
    public override void add_param_group(global::TorchSharp.Modules.ParamGroup param_group)
    {
        ArgumentNullException.ThrowIfNull(param_group);
        if (param_group.Options is Options { amsgrad: true } or Options { maximize: true })
            throw new NotSupportedException("A parameter group asks for amsgrad or maximize, which Andrea's AdamW does not have. Leave it to TorchSharp's own AdamW.");
        base.add_param_group(param_group);
        // The base class calls this while it is being made.
        if (!_isConstructed)
            return;
        Unbind();
        Bind();
    }

    /// <summary>The options and states, as TorchSharp's AdamW has them; what save_state_dict writes. Waits for the device.</summary>
    public override StateDictionary state_dict()
    {
        _fused?.WriteSteps();
        return base.state_dict();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _fused?.Dispose();
            _fused = null;
        }
        base.Dispose(disposing);
    }

    private void Unbind()
    {
        _fused?.WriteSteps();
        _fused?.Dispose();
        _fused = null;
    }

    /// <summary>Nobody gets an optimizer that cannot be made, so nobody could dispose its moments.</summary>
    private void BindOrGiveBack()
    {
        try
        {
            Bind();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private void Bind()
    {
        var entries = new List<FusedStep.Entry>();
        foreach (global::TorchSharp.Modules.ParamGroup group in _parameter_groups)
            foreach (Parameter parameter in group.Parameters)
                entries.Add(new FusedStep.Entry(
                    _names.GetValueOrDefault(parameter.Handle, $"parameter {entries.Count}"), parameter, (State)_state[parameter.Handle], (Options)group.Options));
        _fused = new FusedStep(entries, _clip);
    }
}
