using Andrea.Clipping;
using TorchSharp;
using TorchSharp.Modules;

namespace Andrea.TorchSharp;

/// <summary>Clips the gradients of a TorchSharp module or parameter list by their joint norm, where they lie.</summary>
/// <remarks>
/// What <see cref="GradClipper"/> says holds: one pass to measure (4 bytes a gradient), one more only when there is something to scale. Gradients may be
/// freed and made anew between calls (zero_grad); those that are not defined count as zeros. The parameters must outlive this object; it owns nothing of
/// theirs. Not thread-safe. Unlike TorchSharp's <c>clip_grad_norm_</c>: the norm is exact to the last bits of a double, gradients within the maximum keep
/// every bit, NaN and Inf leave all gradients as they are, and nothing waits for a GPU until <see cref="ReadNorm"/>.
/// <code>
/// using var clipper = ModuleClipper.For(model, maxNorm: 1.0);
/// loss.backward();
/// clipper.Clip();
/// optimizer.step();
/// </code>
/// </remarks>
public sealed class ModuleClipper : IDisposable
{
    private readonly ParameterList _list;
    private readonly Device? _owned;
    private bool _disposed;

    /// <summary>Prepares to clip the gradients of these parameters, again and again.</summary>
    /// <param name="parameters">The parameters, dense contiguous Float32 on one device; not owned.</param>
    /// <param name="options">Maximum, formula, policy; null for the defaults (a maximum of 1).</param>
    /// <exception cref="NotSupportedException">A parameter or gradient is of a kind that Andrea does not work on; the message names it.</exception>
    /// <exception cref="ArgumentException">A parameter is null or given twice, there is none, or two have one gradient tensor.</exception>
    /// <exception cref="InvalidOperationException">A parameter has been disposed.</exception>
    public ModuleClipper(IEnumerable<Parameter> parameters, GradClipperOptions? options = null)
        : this(ParameterList.Numbered(parameters), options, device: null)
    {
    }

    internal ModuleClipper(IEnumerable<(string Name, Parameter Parameter)> parameters, GradClipperOptions? options, Func<TorchPlace, Device>? device)
    {
        _list = new ParameterList(parameters, options, hasOptimizer: false);
        Device used = device is null ? _owned = _list.Place.Open() : device(_list.Place);
        try
        {
            Clipper = new GradClipper(used, _list.Gradients, options, _list.Values);
        }
        catch
        {
            _owned?.Dispose();
            throw;
        }
    }

    /// <summary>Prepares to clip a module's gradients; results and messages have its parameters' names.</summary>
    /// <param name="module">The module; its parameters must not be replaced afterwards, as <c>.to()</c> does when it converts or moves it.</param>
    /// <param name="maxNorm">Largest joint norm.</param>
    public static ModuleClipper For(torch.nn.Module module, double maxNorm = 1)
    {
        ArgumentNullException.ThrowIfNull(module);
        return new ModuleClipper(module.named_parameters(), new GradClipperOptions { MaxNorm = maxNorm }, device: null);
    }

    /// <summary>What has been found and done: <see cref="GradClipper.Latest"/> never waits, <see cref="GradClipper.Read"/> does.</summary>
    public GradClipper Clipper { get; }

    /// <summary>Measures the gradients and scales them where needed. Waits for nothing on a GPU.</summary>
    /// <exception cref="NotSupportedException">A gradient is of a kind that Andrea does not work on; nothing was changed.</exception>
    /// <exception cref="InvalidOperationException">A parameter has been disposed, as by the conversion of its module, or two have one gradient tensor; the message
    /// names them, and nothing was changed.</exception>
    /// <exception cref="NonFiniteGradientException">As for <see cref="GradClipper.Clip"/>.</exception>
    /// <exception cref="ObjectDisposedException">This clipper has been disposed.</exception>
    public void Clip()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _list.Follow();
        Clipper.Clip();
        GC.KeepAlive(this);
    }

    /// <summary>The joint norm before the newest clip, as TorchSharp's <c>clip_grad_norm_</c> returns it. Waits for the device.</summary>
    /// <exception cref="ObjectDisposedException">This clipper has been disposed.</exception>
    public double ReadNorm()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return Clipper.Read().NormBefore;
    }

    internal bool IsOf(IReadOnlyList<Parameter> parameters) => _list.IsOf(parameters);

    /// <summary>Frees the tables; parameters and gradients are not touched.</summary>
    public void Dispose()
    {
        _disposed = true;
        Clipper.Dispose();
        _list.Dispose();
        _owned?.Dispose();
    }
}
