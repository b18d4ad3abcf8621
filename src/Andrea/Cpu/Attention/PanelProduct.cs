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
    /// <summary>Rows are done in blocks of up to this many: panels a and c must have room for a multiple of it, and what lies there is computed too.</summary>
    public const int RowBlock = 8;

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

        /// <summary>Rows of c; its columns in vectors; terms of each sum.</summary>
        public int Rows, Vectors, TermCount;

        /// <summary>Whether to add to what c holds.</summary>
        public bool Accumulate;
    }

    /// <summary>Computes the product.</summary>
    /// <param name="operands">Panels and sizes.</param>
    /// <param name="terms">Which terms exist. Those that don't must have a zero in a: next to the diagonal they are added all the same.</param>
    /// <param name="exact">Leaves out every term that doesn't exist, at a fraction of the speed. Needed where b is not finite, since 0 * Inf is NaN.</param>
    public static void Compute(in Operands operands, Terms terms = Terms.All, bool exact = false)
    {
        for (int vector = 0; vector < operands.Vectors;)
        {
            // A register of 16 lanes stands for two or four where the processor's are narrower, and there are no more of them then.
            int width = Vector512.IsHardwareAccelerated ? Math.Min(4, operands.Vectors - vector) : 1;
            int rowBlock = exact ? 1 : width > 2 || !Vector512.IsHardwareAccelerated ? 4 : 8;
            for (int row = 0; row < operands.Rows; row += rowBlock)
            {
                int first = terms == Terms.FromRow ? row : 0;
                int end = terms == Terms.UpToRow ? Math.Min(row + rowBlock, operands.TermCount) : operands.TermCount;
                float* a = operands.A + row * operands.ARowStride + first * operands.ATermStride;
                float* b = operands.B + first * operands.BTermStride + vector * SimdMath.Lanes;
                float* c = operands.C + row * operands.CRowStride + vector * SimdMath.Lanes;
                Block(rowBlock, width, in operands, a, b, c, end - first);
            }
            vector += width;
        }
    }

    private static void Block(int rows, int width, in Operands operands, float* a, float* b, float* c, int count)
    {
        nint aRow = operands.ARowStride, aTerm = operands.ATermStride, bTerm = operands.BTermStride, cRow = operands.CRowStride;
        switch (rows, width)
        {
            case (4, 4):
                Block4x4(a, aRow, aTerm, b, bTerm, c, cRow, count, operands.Accumulate);
                break;
            case (4, 3):
                Block4x3(a, aRow, aTerm, b, bTerm, c, cRow, count, operands.Accumulate);
                break;
            case (8, 2):
                Block8x2(a, aRow, aTerm, b, bTerm, c, cRow, count, operands.Accumulate);
                break;
            case (8, 1):
                Block8x1(a, aRow, aTerm, b, bTerm, c, cRow, count, operands.Accumulate);
                break;
            case (4, 1):
                Block4x1(a, aRow, aTerm, b, bTerm, c, cRow, count, operands.Accumulate);
                break;
            default:
                for (int vector = 0; vector < width; vector++)
                    Block1x1(a, aTerm, b + vector * SimdMath.Lanes, bTerm, c + vector * SimdMath.Lanes, count, operands.Accumulate);
                break;
        }
    }
}
