using System.Runtime.CompilerServices;
using Andrea.Clipping;
using TorchSharp.Modules;
using TorchAdamW = TorchSharp.Modules.AdamW;

namespace Andrea.TorchSharp;

/// <summary>Andrea's clipping and AdamW under the names and with the arguments of <c>torch.nn.utils</c> and <c>torch.optim</c>.</summary>
public static class Fused
{
    // A clipper for each parameter list that has been clipped, for as long as its first parameter lives. They share devices, so calls take turns.
    private static readonly ConditionalWeakTable<Parameter, ModuleClipper> Clippers = new();
    private static readonly Dictionary<TorchPlace, Device> Devices = [];

    /// <summary>Scales the gradients so that their joint L2 norm is at most the maximum; a drop-in for <c>torch.nn.utils.clip_grad_norm_</c>.</summary>
    /// <param name="parameters">The parameters whose gradients are clipped, dense contiguous Float32 on one device; those without one are passed by.</param>
    /// <param name="max_norm">Largest joint norm.</param>
    /// <param name="norm_type">2; others are TorchSharp's.</param>
    /// <returns>The joint norm before clipping; 0 when there is no gradient, NaN or +Infinity when one of them is.</returns>
    /// <remarks>
    /// Returns the norm, so it waits for a GPU, as TorchSharp's does; <see cref="ModuleClipper"/> and <see cref="FusedAdamW"/> with a
    /// <c>max_norm</c> do not. When a gradient is NaN or Inf, all are left as they are; TorchSharp makes all of them NaN when one is NaN, and when one
    /// is Inf that one NaN and the others 0. The tables are kept from call to call, by the first parameter. Thread-safe.
    /// </remarks>
    /// <exception cref="ArgumentException">A parameter is null, or given twice, which TorchSharp lets pass and counts twice.</exception>
    /// <exception cref="InvalidOperationException">A parameter has been disposed, or two have one gradient tensor (at the first call over these parameters an
    /// <see cref="ArgumentException"/>).</exception>
    /// <exception cref="ArgumentOutOfRangeException">The norm is negative or NaN.</exception>
    /// <exception cref="NotSupportedException">A tensor, or the norm, is of a kind that Andrea does not work on; the message names it.</exception>
    public static double clip_grad_norm_(this IEnumerable<Parameter> parameters, double max_norm, double norm_type = 2.0)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        if (norm_type != 2)
            throw new NotSupportedException($"A norm of type {norm_type} was asked for; Andrea knows type 2. Take torch.nn.utils.clip_grad_norm_ for others.");
        Parameter[] list = Array.ConvertAll(ParameterList.Checked(ParameterList.Numbered(parameters)), entry => entry.Parameter);
        if (list.Length == 0)
            return 0;
        lock (Devices)
        {
            if (!Clippers.TryGetValue(list[0], out ModuleClipper? clipper) || clipper.Clipper.Options.MaxNorm != max_norm || !clipper.IsOf(list))
            {
                var options = new GradClipperOptions { MaxNorm = max_norm, MaxConsecutiveSkips = 0 };
                var fresh = new ModuleClipper(ParameterList.Numbered(list), options, SharedDevice);
                clipper?.Dispose();
                Clippers.AddOrUpdate(list[0], clipper = fresh);
            }
            clipper.Clip();
            return clipper.ReadNorm();
        }
    }

    /// <summary>A fused AdamW over parameters; a drop-in for <c>torch.optim.AdamW</c>.</summary>
    /// <param name="parameters">The parameters, dense contiguous Float32 on one device.</param>
    /// <param name="lr">Learning rate.</param>
    /// <param name="beta1">Decay of the first moment.</param>
    /// <param name="beta2">Decay of the second moment.</param>
    /// <param name="eps">Added to the root of the second moment; above 0, where TorchSharp also takes 0.</param>
    /// <param name="weight_decay">Decoupled weight decay of every parameter, whatever its shape; 0 by default, as in TorchSharp.</param>
    /// <param name="max_norm">Largest joint norm of all gradients: larger ones are clipped within the step. Null does not clip.</param>
    /// <returns>The optimizer, to be disposed.</returns>
    /// <exception cref="NotSupportedException">A parameter, or an option of a group, is of a kind that Andrea does not work on; the message names it.</exception>
    /// <exception cref="ArgumentException">A parameter is null or given twice, there is none, or a number is out of range.</exception>
    public static FusedAdamW AdamW(
        IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0,
        double? max_norm = null) => new FusedAdamW.AdamW(ParameterList.Checked(ParameterList.Numbered(parameters)), lr, beta1, beta2, eps, weight_decay, OptionsFor(max_norm));

    /// <summary>A fused AdamW over parameters that have names, for messages and results.</summary>
    /// <param name="parameters">The parameters with their names, as <c>named_parameters()</c> gives them: dense contiguous Float32 on one device.</param>
    /// <param name="lr">Learning rate.</param>
    /// <param name="beta1">Decay of the first moment.</param>
    /// <param name="beta2">Decay of the second moment.</param>
    /// <param name="eps">Added to the root of the second moment; above 0, where TorchSharp also takes 0.</param>
    /// <param name="weight_decay">Decoupled weight decay of every parameter, whatever its shape; 0 by default, as in TorchSharp.</param>
    /// <param name="max_norm">Largest joint norm of all gradients: larger ones are clipped within the step. Null does not clip.</param>
    /// <returns>The optimizer, to be disposed.</returns>
    /// <exception cref="NotSupportedException">A parameter, or an option of a group, is of a kind that Andrea does not work on; the message names it.</exception>
    /// <exception cref="ArgumentException">A parameter is null or given twice, there is none, or a number is out of range.</exception>
    public static FusedAdamW AdamW(
        IEnumerable<(string name, Parameter parameter)> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0,
        double? max_norm = null) => new FusedAdamW.AdamW(ParameterList.Checked(parameters), lr, beta1, beta2, eps, weight_decay, OptionsFor(max_norm));

    /// <summary>A fused AdamW over groups of parameters.</summary>
    /// <param name="parameters">Groups of parameters, each with learning rate, decay, betas and epsilon of its own where it sets them.</param>
    /// <param name="lr">Learning rate of groups that set none; as the following.</param>
    /// <param name="beta1">Decay of the first moment.</param>
    /// <param name="beta2">Decay of the second moment.</param>
    /// <param name="eps">Added to the root of the second moment; above 0, where TorchSharp also takes 0.</param>
    /// <param name="weight_decay">Decoupled weight decay of every parameter, whatever its shape; 0 by default, as in TorchSharp.</param>
    /// <param name="max_norm">Largest joint norm of all gradients: larger ones are clipped within the step. Null does not clip.</param>
    /// <returns>The optimizer, to be disposed.</returns>
    /// <exception cref="NotSupportedException">A parameter, or an option of a group, is of a kind that Andrea does not work on; the message names it.</exception>
    /// <exception cref="ArgumentException">A parameter is null or given twice, there is none, or a number is out of range.</exception>
    public static FusedAdamW AdamW(
        IEnumerable<TorchAdamW.ParamGroup> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0,
        double? max_norm = null) => new FusedAdamW.AdamW(parameters, lr, beta1, beta2, eps, weight_decay, OptionsFor(max_norm));

    /// <summary>A fused AdamW over parameters that have names, for messages and results, clipped as options say.</summary>
    /// <param name="parameters">The parameters with their names, as <c>named_parameters()</c> gives them: dense contiguous Float32 on one device.</param>
    /// <param name="clip">How the gradients of all parameters together are clipped: maximum, formula, what NaN and Inf do.</param>
    /// <param name="lr">Learning rate.</param>
    /// <param name="beta1">Decay of the first moment.</param>
    /// <param name="beta2">Decay of the second moment.</param>
    /// <param name="eps">Added to the root of the second moment; above 0, where TorchSharp also takes 0.</param>
    /// <param name="weight_decay">Decoupled weight decay of every parameter, whatever its shape; 0 by default, as in TorchSharp.</param>
    /// <returns>The optimizer, to be disposed.</returns>
    /// <exception cref="NotSupportedException">A parameter, or an option of a group, is of a kind that Andrea does not work on; the message names it.</exception>
    /// <exception cref="ArgumentException">A parameter is null or given twice, there is none, or a number is out of range.</exception>
    public static FusedAdamW AdamW(
        IEnumerable<(string name, Parameter parameter)> parameters, GradClipperOptions clip, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8,
        double weight_decay = 0)
    {
        ArgumentNullException.ThrowIfNull(clip);
        return new FusedAdamW.AdamW(ParameterList.Checked(parameters), lr, beta1, beta2, eps, weight_decay, clip);
    }

    /// <summary>A fused AdamW over groups of parameters, clipped as options say.</summary>
    /// <param name="parameters">Groups of parameters, each with learning rate, decay, betas and epsilon of its own where it sets them.</param>
    /// <param name="clip">How the gradients of all parameters together are clipped: maximum, formula, what NaN and Inf do.</param>
    /// <param name="lr">Learning rate of groups that set none; as the following.</param>
    /// <param name="beta1">Decay of the first moment.</param>
    /// <param name="beta2">Decay of the second moment.</param>
    /// <param name="eps">Added to the root of the second moment; above 0, where TorchSharp also takes 0.</param>
    /// <param name="weight_decay">Decoupled weight decay of every parameter, whatever its shape; 0 by default, as in TorchSharp.</param>
    /// <returns>The optimizer, to be disposed.</returns>
    /// <exception cref="NotSupportedException">A parameter, or an option of a group, is of a kind that Andrea does not work on; the message names it.</exception>
    /// <exception cref="ArgumentException">A parameter is null or given twice, there is none, or a number is out of range.</exception>
    public static FusedAdamW AdamW(
        IEnumerable<TorchAdamW.ParamGroup> parameters, GradClipperOptions clip, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8,
        double weight_decay = 0)
    {
        ArgumentNullException.ThrowIfNull(clip);
        return new FusedAdamW.AdamW(parameters, lr, beta1, beta2, eps, weight_decay, clip);
    }

    private static GradClipperOptions? OptionsFor(double? maxNorm) => maxNorm is { } norm ? new GradClipperOptions { MaxNorm = norm } : null;

    private static Device SharedDevice(TorchPlace place)
    {
        if (!Devices.TryGetValue(place, out Device? device))
            Devices.Add(place, device = place.Open());
        return device;
    }
}
