using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Andrea.Cpu.MatMul;

/// <summary>Copies part of an operand into panels: (depth, width) each, so that a micro-kernel reads memory strictly forwards.</summary>
/// <remarks>
/// Lanes beyond the operand's last one are filled with zeros. They only ever meet elements of the tile that nobody keeps, so a NaN or
/// infinity elsewhere cannot reach a result through them. k is never padded: 0 times infinity would.
/// </remarks>
internal static unsafe class Packing
{
    // 64 k of 32 lanes are 8 KB: both sides of a transposition stay in the first-level cache.
    private const int TransposeDepth = 64;

    // Rows are often a page apart, where no processor looks ahead by itself.
    private const int PrefetchDistance = 8;

    private const int LineLength = 16;

    /// <summary>Packs <paramref name="panelCount"/> panels of <paramref name="width"/> lanes.</summary>
    /// <param name="source">The operand.</param>
    /// <param name="firstLane">Lane that becomes lane 0 of the first panel.</param>
    /// <param name="panelCount">Number of panels.</param>
    /// <param name="firstDepth">First k.</param>
    /// <param name="depth">Number of k.</param>
    /// <param name="width">Lanes of a panel, a multiple of 4; a constant at each call, so that copies become moves.</param>
    /// <param name="panelStride">Elements from one panel to the next.</param>
    /// <param name="target">(panelCount, depth, width) out.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Pack(
        in Operand source, long firstLane, int panelCount, long firstDepth, int depth, int width, long panelStride, float* target)
    {
        float* origin = source.Data + firstLane * source.LaneStride + firstDepth * source.DepthStride;
        long lanes = source.Lanes - firstLane;
        if (source.LaneStride == 1)
        {
            int whole = (int)Math.Min(panelCount, lanes / width);
            CopyPanels(origin, source.DepthStride, whole, depth, width, panelStride, target);
            long copied = (long)whole * width;
            if (whole < panelCount)
                CopyEdge(origin + copied, source.DepthStride, (int)(lanes - copied), depth, width, target + whole * panelStride);
            return;
        }
        for (int panel = 0; panel < panelCount; panel++)
        {
            TransposePanel(origin, source.LaneStride, (int)Math.Min(width, lanes), depth, width, target);
            origin += width * source.LaneStride;
            lanes -= width;
            target += panelStride;
        }
    }

    /// <summary>k outside, panels inside: each row of the source is read in one run.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CopyPanels(float* source, long stride, int panelCount, int depth, int width, long panelStride, float* target)
    {
        for (int k = 0; k < depth; k++)
        {
            float* from = source + k * stride;
            float* to = target + (long)k * width;
            if (Sse.IsSupported)
                for (int lane = 0; lane < panelCount * width; lane += LineLength)
                    Sse.Prefetch0(from + PrefetchDistance * stride + lane);
            for (int panel = 0; panel < panelCount; panel++)
            {
                Unsafe.CopyBlockUnaligned(to, from, (uint)(width * sizeof(float)));
                from += width;
                to += panelStride;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyEdge(float* source, long stride, int lanes, int depth, int width, float* target)
    {
        for (int k = 0; k < depth; k++)
        {
            for (int lane = 0; lane < width; lane++)
                target[lane] = lane < lanes ? source[lane] : 0;
            source += stride;
            target += width;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TransposePanel(float* source, long stride, int lanes, int depth, int width, float* target)
    {
        int wholeLanes = lanes & ~3;
        int wholeDepth = depth & ~3;
        for (int start = 0; start < wholeDepth; start += TransposeDepth)
        {
            int end = Math.Min(start + TransposeDepth, wholeDepth);
            int lane = 0;
            if (Avx512F.IsSupported)
            {
                for (; lane + 16 <= wholeLanes; lane += 16)
                    for (int k = start; k < end; k += 4)
                    {
                        // The next lines of four of the lanes; in 16 k, of all.
                        float* next = source + (lane + (k & 12)) * stride + (k & ~15) + TransposeDepth;
                        Sse.Prefetch0(next);
                        Sse.Prefetch0(next + stride);
                        Sse.Prefetch0(next + 2 * stride);
                        Sse.Prefetch0(next + 3 * stride);
                        Transposition.SixteenLanes(source + lane * stride + k, stride, width, target + (long)k * width + lane);
                    }
            }
            if (Avx.IsSupported)
            {
                for (; lane + 8 <= wholeLanes; lane += 8)
                    for (int k = start; k < end; k += 4)
                        Transposition.EightLanes(source + lane * stride + k, stride, width, target + (long)k * width + lane);
            }
            for (; lane < wholeLanes; lane += 4)
                for (int k = start; k < end; k += 4)
                    Transposition.FourLanes(source + lane * stride + k, stride, width, target + (long)k * width + lane);
        }
        if (wholeDepth < depth && wholeLanes > 0)
            TransposeEdge(source, stride, 0, wholeLanes, lanes, wholeDepth, depth, width, target);
        if (wholeLanes < width)
            TransposeEdge(source, stride, wholeLanes, width, lanes, 0, depth, width, target);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void TransposeEdge(
        float* source, long stride, int firstLane, int endLane, int lanes, int firstDepth, int depth, int width, float* target)
    {
        for (int k = firstDepth; k < depth; k++)
            for (int lane = firstLane; lane < endLane; lane++)
                target[(long)k * width + lane] = lane < lanes ? source[lane * stride + k] : 0;
    }
}
