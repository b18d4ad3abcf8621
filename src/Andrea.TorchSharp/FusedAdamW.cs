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
/// <see cref="Fused.AdamW(IEnumerable{Parameter}, double, double, double, double, double, double?)"/> makes it. It has a name of its own, so that a file may use
/// this namespace and TorchSharp.Modules.
/// </remarks>
public abstract class FusedAdamW : TorchAdamW
{
    private readonly GradClipperOptions? _clip;

    // Only names for messages; not every parameter needs one.
    private readonly Dictionary<nint, string> _names = [];
    private readonly bool _isConstructed;
    private FusedStep? _fused;

    private FusedAdamW(
        IEnumerable<ParamGroup> parameters, double lr, double beta1, double beta2, double eps, double weightDecay, GradClipperOptions? clip)
        : base(parameters, lr, beta1, beta2, eps, weightDecay)
    {
        _clip = clip;
        _isConstructed = true;
        BindOrGiveBack();
    }

    // The parameters are listed and checked before: what throws on the way to a constructor is finalized all the same.
    private FusedAdamW(
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
    /// <exception cref="NotSupportedException">A gradient, moment or option, such as one that was loaded, is of a kind that Andrea does not work on; nothing was changed.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An option or a loaded step number is out of range; nothing was changed.</exception>
    /// <exception cref="InvalidOperationException">A parameter has been disposed, as by the conversion of its module, or tensors share memory, such as one gradient
    /// that two parameters have; the message names them, and nothing was changed.</exception>
    /// <exception cref="ObjectDisposedException">The optimizer is disposed.</exception>
    /// <exception cref="NonFiniteGradientException">As for <see cref="GradClipper.Measure"/>: the policy is Throw, or too many steps in a row were skipped.</exception>
    public override torch.Tensor? step(Func<torch.Tensor>? closure = null)
    {
        torch.Tensor? loss = null;
        if (closure is not null)
        {
            using (torch.enable_grad())
                loss = closure();
        }
        (_fused ?? throw new ObjectDisposedException(nameof(FusedAdamW))).Step();
        return loss;
    }

    /// <summary>Sets the gradients of all parameters to 0.</summary>
    /// <exception cref="InvalidOperationException">A parameter has been disposed, as by the conversion of its module; the message names it.</exception>
    public override void zero_grad()
    {
        _fused?.CheckParameters();
        base.zero_grad();
    }

    /// <summary>Adds a group; its parameters' steps are counted from 0. A group that is refused is as if it had never been given.</summary>
    /// <param name="param_group">The group; amsgrad and maximize are refused.</param>
    /// <exception cref="NotSupportedException">A parameter, or an option of a group, is of a kind that Andrea does not work on; the message names it.</exception>
    /// <exception cref="ArgumentException">A parameter is null or given twice, there is none, or a number is out of range.</exception>
    /// <exception cref="InvalidOperationException">A parameter has been disposed.</exception>
    /// <exception cref="ObjectDisposedException">The optimizer is disposed.</exception>
    public override void add_param_group(global::TorchSharp.Modules.ParamGroup param_group)
    {
        ArgumentNullException.ThrowIfNull(param_group);
        if (param_group.Options is Options options)
            FusedStep.Refuse(options);
        _ = ParameterList.Checked(ParameterList.Numbered(param_group.Parameters).Select(entry => ($"{entry.Name} of the group", entry.Parameter)));
        // The base class calls this while it is being made.
        if (!_isConstructed)
        {
            base.add_param_group(param_group);
            return;
        }
        FusedStep before = _fused ?? throw new ObjectDisposedException(nameof(FusedAdamW));
        before.CheckParameters();
        nint[] added = [.. param_group.Parameters.Select(parameter => parameter.Handle)];
        // The base class would give such a parameter a new state, and forget the one it has.
        if (added.Length != added.Distinct().Count() || added.Any(_state.ContainsKey))
            throw new ArgumentException("A parameter of the group is in this optimizer already, or twice in the group. Leave one out.", nameof(param_group));
        before.WriteSteps();
        base.add_param_group(param_group);
        try
        {
            _fused = Bind();
            // Begins afresh by itself where it is about single tensors, of which there are others now.
            _fused.Clipper?.RestorePolicyState(before.Clipper?.ReadPolicyState());
        }
        catch
        {
            _parameter_groups.Remove(param_group);
            foreach (nint handle in added)
            {
                ((State)_state[handle]).Dispose();
                _state.Remove(handle);
            }
            throw;
        }
        before.Dispose();
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
        // None where something threw before the base class' constructor ran.
        if (_state is not null)
            base.Dispose(disposing);
    }

    /// <summary>Nobody gets an optimizer that cannot be made, so nobody could dispose its moments.</summary>
    private void BindOrGiveBack()
    {
        try
        {
            _fused = Bind();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private FusedStep Bind()
    {
        var entries = new List<FusedStep.Entry>();
        foreach (global::TorchSharp.Modules.ParamGroup group in _parameter_groups)
            foreach (Parameter parameter in group.Parameters)
                entries.Add(new FusedStep.Entry(
                    _names.GetValueOrDefault(parameter.Handle, $"parameter {entries.Count}"), parameter, (State)_state[parameter.Handle], (Options)group.Options));
        return new FusedStep(entries, _clip);
    }

    /// <summary>What there is to make. State files begin with the name of the optimizer's class, so it is called as TorchSharp's.</summary>
    internal sealed class AdamW : FusedAdamW
    {
        internal AdamW(
            IEnumerable<ParamGroup> parameters, double lr, double beta1, double beta2, double eps, double weightDecay, GradClipperOptions? clip)
            : base(parameters, lr, beta1, beta2, eps, weightDecay, clip)
        {
        }

        internal AdamW(
            (string Name, Parameter Parameter)[] parameters, double lr, double beta1, double beta2, double eps, double weightDecay, GradClipperOptions? clip)
            : base(parameters, lr, beta1, beta2, eps, weightDecay, clip)
        {
        }
    }
}
