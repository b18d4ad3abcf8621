using System.Globalization;
using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Cuda.Compilation;

/// <summary>The options that all kernels are compiled with.</summary>
/// <remarks>What host and device must agree on goes in as definitions, so that they cannot disagree.</remarks>
internal static class KernelOptions
{
    /// <summary>Options and definitions for <paramref name="target"/>.</summary>
    public static IReadOnlyList<string> For(KernelTarget target) =>
    [
        target.Option,
        "--std=c++17",
        // A product and a sum are fused where the code says so, and nowhere else: the CPU must get the same bits.
        "--fmad=false",
        .. Constants(),
        .. KernelLayouts.Definitions(),
    ];

    private static IEnumerable<string> Constants() =>
    [
        Define("ANDREA_CHUNK_LENGTH", Chunk.MaxLength.ToString(CultureInfo.InvariantCulture)),
        Define("ANDREA_STRIP_LENGTH", Chunk.StripLength.ToString(CultureInfo.InvariantCulture)),
        Define("ANDREA_TORCH_EPSILON", ClipDecision.TorchEpsilon.ToString("E9", CultureInfo.InvariantCulture) + "f"),
        Define("ANDREA_CLIP_SLACK", ClipDecision.Slack.ToString("E17", CultureInfo.InvariantCulture)),
        Define("ANDREA_SPIKE_CAPACITY", SpikeDecision.MaxCapacity.ToString(CultureInfo.InvariantCulture)),
        Define("ANDREA_SPIKE_LOSS_SCALE", SpikeDecision.SmallestLossScale.ToString("E17", CultureInfo.InvariantCulture)),
        Define("ANDREA_NORMAL_SCALE", SpikeDecision.NormalScale.ToString("E17", CultureInfo.InvariantCulture)),
    ];

    private static string Define(string name, string value) => $"-D{name}={value}";
}
