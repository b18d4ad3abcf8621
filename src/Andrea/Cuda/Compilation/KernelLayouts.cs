using System.Runtime.CompilerServices;
using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Cuda.Compilation;

/// <summary>Where the host has the fields of the structs that it shares with kernels.</summary>
/// <remarks><c>layouts.cuh</c> checks, whenever a kernel is compiled, that the device has them in the same places.</remarks>
internal static class KernelLayouts
{
    /// <summary>One definition for each struct's size and each field's offset, in bytes.</summary>
    public static IEnumerable<string> Definitions() =>
        [
            .. OfChunk(), .. OfChunkPartial(), .. OfTensorNorm(), .. OfClipState(), .. OfZClipState(), .. OfAgcTensor(), .. OfClippedPart(),
            .. OfAdamWState(), .. OfAdamWTensor(), .. OfUpdateSums(), .. KernelLayoutsOfStabilizers.Definitions(), .. OfSpikeState(),
        ];

    private static string[] OfChunk()
    {
        var chunk = default(Chunk);
        return
        [
            Size<Chunk>(),
            Offset(ref chunk, ref chunk.Gradient, "gradient"),
            Offset(ref chunk, ref chunk.Parameter, "parameter"),
            Offset(ref chunk, ref chunk.FirstMoment, "first_moment"),
            Offset(ref chunk, ref chunk.SecondMoment, "second_moment"),
            Offset(ref chunk, ref chunk.Start, "start"),
            Offset(ref chunk, ref chunk.Length, "length"),
            Offset(ref chunk, ref chunk.Tensor, "tensor"),
        ];
    }

    private static string[] OfChunkPartial()
    {
        var partial = default(ChunkPartial);
        return
        [
            Size<ChunkPartial>(),
            Offset(ref partial, ref partial.SumOfSquares, "sum_of_squares"),
            Offset(ref partial, ref partial.MaxMagnitudeBits, "max_magnitude_bits"),
            Offset(ref partial, ref partial.NonFiniteCount, "non_finite_count"),
            Offset(ref partial, ref partial.FirstNonFinite, "first_non_finite"),
        ];
    }

    private static string[] OfTensorNorm()
    {
        var norm = default(TensorNorm);
        return
        [
            Size<TensorNorm>(),
            Offset(ref norm, ref norm.Norm, "norm"),
            Offset(ref norm, ref norm.Coefficient, "coefficient"),
            Offset(ref norm, ref norm.NormAfter, "norm_after"),
            Offset(ref norm, ref norm.NonFiniteCount, "non_finite_count"),
            Offset(ref norm, ref norm.FirstNonFinite, "first_non_finite"),
            Offset(ref norm, ref norm.MaxMagnitude, "max_magnitude"),
        ];
    }

    private static string[] OfClipState()
    {
        var clip = default(ClipState);
        return
        [
            Size<ClipState>(),
            Offset(ref clip, ref clip.Norm, "norm"),
            Offset(ref clip, ref clip.Coefficient, "coefficient"),
            Offset(ref clip, ref clip.NormAfter, "norm_after"),
            Offset(ref clip, ref clip.NonFiniteCount, "non_finite_count"),
            Offset(ref clip, ref clip.FirstBadIndex, "first_bad_index"),
            Offset(ref clip, ref clip.Calls, "calls"),
            Offset(ref clip, ref clip.ClippedCalls, "clipped_calls"),
            Offset(ref clip, ref clip.SkippedCalls, "skipped_calls"),
            Offset(ref clip, ref clip.FirstBadTensor, "first_bad_tensor"),
            Offset(ref clip, ref clip.Skip, "skip"),
            Offset(ref clip, ref clip.ConsecutiveSkips, "consecutive_skips"),
            Offset(ref clip, ref clip.MaxMagnitude, "max_magnitude"),
        ];
    }

    private static string[] OfZClipState()
    {
        var memory = default(ZClipState);
        return
        [
            Size<ZClipState>(),
            Offset(ref memory, ref memory.Count, "count"),
            Offset(ref memory, ref memory.Mean, "mean"),
            Offset(ref memory, ref memory.Variance, "variance"),
        ];
    }

    private static string[] OfAgcTensor()
    {
        var tensor = default(AgcTensor);
        return [Size<AgcTensor>(), Offset(ref tensor, ref tensor.UnitLength, "unit_length"), Offset(ref tensor, ref tensor.FirstUnit, "first_unit")];
    }

    private static string[] OfClippedPart()
    {
        var part = default(ClippedPart);
        return
        [
            Size<ClippedPart>(),
            Offset(ref part, ref part.SumOfSquares, "sum_of_squares"),
            Offset(ref part, ref part.Changed, "changed"),
        ];
    }

    private static string[] OfAdamWState()
    {
        var progress = default(AdamWState);
        return
        [
            Size<AdamWState>(),
            Offset(ref progress, ref progress.Step, "step"),
            Offset(ref progress, ref progress.Beta1Power, "beta1_power"),
            Offset(ref progress, ref progress.Beta2Power, "beta2_power"),
        ];
    }

    private static string[] OfAdamWTensor()
    {
        var tensor = default(AdamWTensor);
        return
        [
            Size<AdamWTensor>(),
            Offset(ref tensor, ref tensor.WeightDecay, "weight_decay"),
            Offset(ref tensor, ref tensor.LearningRateScale, "learning_rate_scale"),
        ];
    }

    private static string[] OfUpdateSums()
    {
        var sums = default(UpdateSums);
        return
        [
            Size<UpdateSums>(),
            Offset(ref sums, ref sums.Weights, "weights"),
            Offset(ref sums, ref sums.Updates, "updates"),
            Offset(ref sums, ref sums.Ratios, "ratios"),
            Offset(ref sums, ref sums.SecondMoments, "second_moments"),
            Offset(ref sums, ref sums.Gradients, "gradients"),
        ];
    }

    private static string[] OfSpikeState()
    {
        var state = default(SpikeState);
        return
        [
            Size<SpikeState>(),
            Offset(ref state, ref state.LossScore, "loss_score"),
            Offset(ref state, ref state.NormScore, "norm_score"),
            Offset(ref state, ref state.LossMedian, "loss_median"),
            Offset(ref state, ref state.NormMedian, "norm_median"),
            Offset(ref state, ref state.Count, "count"),
            Offset(ref state, ref state.Next, "next"),
            Offset(ref state, ref state.FlaggedInRow, "flagged_in_row"),
            Offset(ref state, ref state.Reason, "reason"),
        ];
    }

    internal static string Size<T>()
        where T : unmanaged => $"-DANDREA_BYTES_{typeof(T).Name}={Unsafe.SizeOf<T>()}";

    internal static string Offset<T, TField>(ref T whole, ref TField field, string name)
        where T : unmanaged
        where TField : unmanaged =>
        $"-DANDREA_OFFSET_{typeof(T).Name}_{name}={Unsafe.ByteOffset(ref Unsafe.As<T, byte>(ref whole), ref Unsafe.As<TField, byte>(ref field))}";
}
