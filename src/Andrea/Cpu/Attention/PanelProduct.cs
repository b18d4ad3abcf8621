using System.Runtime.Intrinsics;
using Andrea.Cpu.Simd;

namespace Andrea.Cpu.Attention;

/// <summary>Which terms of a product exist on the diagonal, where a query sees no key after its own.</summary>
internal enum Terms
{
    /// <summary>All of them.</summary>
    All,

    /// <summary>Row r has the terms 0 to r: a query's sum over its keys.</summary>
    UpToRow,

    /// <summary>Row r has the terms from r on: a key's sum over the queries that see it.</summary>
    FromRow,
}

/// <summary>c[r, n] (+)= sum over k of a[r, k] b[k, n], on small panels in scratch memory: every matrix product of attention.</summary>
/// <remarks>
/// Vectors run along n; elements of a are broadcast, so a may be stored either way round. Each element of c is one chain of fused
/// multiply-adds, k ascending, whatever block of registers it falls into; so neither the blocks nor the processor change its bits.
/// Blocks of c hold 16 vectors in registers: per step 2 vectors a cycle are loaded for 4 used, which keeps both multipliers busy.
/// </remarks>
internal static unsafe partial class PanelProduct
{
    /// <summary>One product.</summary>
    public struct Operands
    {
        /// <summary>Panel a, and the distances of its rows and of its terms.</summary>
        public float* A;
        public nint ARowStride, ATermStride;

        /// <summary>Panel b, and the distance of its terms.</summary>
        public float* B;
        public nint BTermStride;

        /// <summary>Panel c, and the distance of its rows.</summary>
        public float* C;
        public nint CRowStride;

        /// <summary>Rows of c; its columns in vectors; terms of each sum. Rows are done in blocks of up to 8: a and c must have room for
        /// a multiple of that, and what lies there is computed too.</summary>
        public int Rows, Vectors, TermCount;

        /// <summary>Whether to add to what c holds.</summary>
        public bool Accumulate;
    }

    /// <summary>Computes the product.</summary>
    /// <param name="operands">Panels and sizes.</param>
    /// <param name="terms">Which terms exist. Those that don't must have a zero in a: next to the diagonal they are added all the same.</param>
    /// <param name="exact">Leaves out every term that doesn't exist, at a fraction of the speed. Needed where b is not finite,
    /// since 0 * Inf is NaN.</param>
    public static void Compute(in Operands operands, Terms terms = Terms.All, bool exact = false)
    {
        nint aRow = operands.ARowStride, aTerm = operands.ATermStride, bTerm = operands.BTermStride, cRow = operands.CRowStride;
        for (int vector = 0; vector < operands.Vectors;)
        {
            (int rows, int width) = exact ? (1, 1) : BlockFor(operands.Vectors - vector);
            delegate*<float*, nint, nint, float*, nint, float*, nint, int, bool, void> block = KernelOf(rows, width);
            for (int row = 0; row < operands.Rows; row += rows)
            {
                int first = terms == Terms.FromRow ? row : 0;
                int end = terms == Terms.UpToRow ? Math.Min(row + rows, operands.TermCount) : operands.TermCount;
                float* a = operands.A + row * aRow + first * aTerm;
                float* b = operands.B + first * bTerm + vector * SimdMath.Lanes;
                float* c = operands.C + row * cRow + vector * SimdMath.Lanes;
                block(a, aRow, aTerm, b, bTerm, c, cRow, end - first, operands.Accumulate);
            }
            vector += width;
        }
    }

    /// <summary>The block for columns of which so many vectors are left: 8 to 16 sums, as many as keep both multipliers busy.</summary>
    private static (int Rows, int Width) BlockFor(int vectors)
    {
        // Where registers are narrower, 16 lanes take two or four of them, and there are no more to be had.
        if (!Vector512.IsHardwareAccelerated)
            return (4, 1);
        return vectors switch { 1 => (8, 1), 2 => (8, 2), 3 => (4, 3), _ => (4, 4) };
    }

    private static delegate*<float*, nint, nint, float*, nint, float*, nint, int, bool, void> KernelOf(int rows, int width) =>
        (rows, width) switch
        {
            (4, 4) => &Block4x4,
            (4, 3) => &Block4x3,
            (8, 2) => &Block8x2,
            (8, 1) => &Block8x1,
            (4, 1) => &Block4x1,
            _ => &Block1x1,
        };
}
