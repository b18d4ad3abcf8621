using Andrea.Backends;
using static Andrea.Cuda.Compilation.KernelLayouts;

namespace Andrea.Cuda.Compilation;

/// <summary>The part of <see cref="KernelLayouts"/> that stabilizers share with their kernels.</summary>
internal static class KernelLayoutsOfStabilizers
{
    public static IEnumerable<string> Definitions() => [.. OfStabilizerSettings(), .. OfTensorStep(), .. OfTensorHistory()];

    private static string[] OfStabilizerSettings()
    {
        var value = default(StabilizerSettings);
        return
        [
            Size<StabilizerSettings>(),
            Offset(ref value, ref value.SpikeRoot, "spike_root"),
            Offset(ref value, ref value.MaximumDecay, "maximum_decay"),
            Offset(ref value, ref value.NormDecay, "norm_decay"),
            Offset(ref value, ref value.SquareDecay, "square_decay"),
            Offset(ref value, ref value.Epsilon, "epsilon"),
            Offset(ref value, ref value.ResetEvery, "reset_every"),
            Offset(ref value, ref value.GraceSteps, "grace_steps"),
            Offset(ref value, ref value.WarmupSteps, "warmup_steps"),
            Offset(ref value, ref value.Kind, "kind"),
            Offset(ref value, ref value.RestartsCorrection, "restarts_correction"),
        ];
    }

    private static string[] OfTensorStep()
    {
        var value = default(TensorStep);
        return
        [
            Size<TensorStep>(),
            Offset(ref value, ref value.RateScale, "rate_scale"),
            Offset(ref value, ref value.DecayScale, "decay_scale"),
            Offset(ref value, ref value.Shrink, "shrink"),
            Offset(ref value, ref value.GradientScale, "gradient_scale"),
            Offset(ref value, ref value.Limit, "limit"),
            Offset(ref value, ref value.SpikeRoot, "spike_root"),
            Offset(ref value, ref value.Reset, "reset"),
        ];
    }

    private static string[] OfTensorHistory()
    {
        var value = default(TensorHistory);
        return
        [
            Size<TensorHistory>(),
            Offset(ref value, ref value.Maximum, "maximum"),
            Offset(ref value, ref value.Norm, "norm"),
            Offset(ref value, ref value.Square, "square"),
            Offset(ref value, ref value.MaximumPower, "maximum_power"),
            Offset(ref value, ref value.NormPower, "norm_power"),
            Offset(ref value, ref value.SquarePower, "square_power"),
        ];
    }
}
