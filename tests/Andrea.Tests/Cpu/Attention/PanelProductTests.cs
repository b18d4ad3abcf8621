using Andrea.Cpu.Attention;
using Andrea.Cpu.Simd;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cpu.Attention;

/// <summary>Every element is one chain of fused multiply-adds, whatever block of registers it falls into: equal to a scalar loop,
/// bit for bit.</summary>
public unsafe class PanelProductTests
{
    private const int Rows = 24, TermCount = 24, Stride = 16 * SimdMath.Lanes;

    public static TheoryData<int, bool> VectorsAndExactness => new MatrixTheoryData<int, bool>([1, 2, 3, 4, 5, 6, 7, 8, 9, 16], [false, true]);

    [Theory, MemberData(nameof(VectorsAndExactness))]
    public void Compute_AnyWidthAndTerms_IsTheChain(int vectors, bool exact)
    {
        foreach (Terms terms in Enum.GetValues<Terms>())
            foreach (bool transposed in (bool[])[false, true])
                foreach (bool accumulate in (bool[])[false, true])
                    for (int rows = 8; rows <= Rows; rows += 8)
                        AssertChain(rows, vectors, terms, transposed, accumulate, exact);
    }

    [Fact]
    public void Compute_ExactWithNaNTerm_SpoilsOnlyTheRowsThatHaveIt()
    {
        foreach (Terms terms in (Terms[])[Terms.UpToRow, Terms.FromRow])
        {
            foreach (int vectors in (int[])[1, 2, 3, 4])
            {
                (float[] a, float[] b, float[] c) = Panels(terms, transposed: false);
                b.AsSpan(10 * Stride, Stride).Fill(float.NaN);
                Compute(a, b, c, Rows, vectors, terms, transposed: false, accumulate: false, exact: true);
                for (int row = 0; row < Rows; row++)
                    Assert.Equal(Has(terms, row, 10), float.IsNaN(c[row * Stride]));
            }
        }
    }

    private static void AssertChain(int rows, int vectors, Terms terms, bool transposed, bool accumulate, bool exact)
    {
        (float[] a, float[] b, float[] c) = Panels(terms, transposed);
        float[] expected = [.. c];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < vectors * SimdMath.Lanes; column++)
            {
                float sum = accumulate ? c[row * Stride + column] : 0;
                for (int term = 0; term < TermCount; term++)
                    if (Has(terms, row, term))
                        sum = MathF.FusedMultiplyAdd(a[transposed ? term * Rows + row : row * TermCount + term], b[term * Stride + column], sum);
                expected[row * Stride + column] = sum;
            }
        }
        Compute(a, b, c, rows, vectors, terms, transposed, accumulate, exact);
        Bits.AssertEqual($"{rows} rows, {vectors} vectors, {terms}, {(transposed ? "transposed" : "plain")}", expected, c);
    }

    private static void Compute(float[] a, float[] b, float[] c, int rows, int vectors, Terms terms, bool transposed, bool accumulate, bool exact)
    {
        fixed (float* left = a, right = b, target = c)
        {
            PanelProduct.Compute(
                new PanelProduct.Operands
                {
                    A = left, ARowStride = transposed ? 1 : TermCount, ATermStride = transposed ? Rows : 1,
                    B = right, BTermStride = Stride,
                    C = target, CRowStride = Stride,
                    Rows = rows, Vectors = vectors, TermCount = TermCount, Accumulate = accumulate,
                },
                terms, exact);
        }
    }

    /// <summary>Random panels; terms that do not exist are zeros in a.</summary>
    private static (float[] A, float[] B, float[] C) Panels(Terms terms, bool transposed)
    {
        float[] a = TestDevice.Normal(1, Rows * TermCount);
        for (int row = 0; row < Rows; row++)
            for (int term = 0; term < TermCount; term++)
                if (!Has(terms, row, term))
                    a[transposed ? term * Rows + row : row * TermCount + term] = 0;
        return (a, TestDevice.Normal(2, TermCount * Stride), TestDevice.Normal(3, Rows * Stride));
    }

    private static bool Has(Terms terms, int row, int term) => terms switch
    {
        Terms.UpToRow => term <= row,
        Terms.FromRow => term >= row,
        _ => true,
    };
}
