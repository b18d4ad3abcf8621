using System.Numerics;
using Andrea.Cuda.Interop;

namespace Andrea.Cuda.Linear;

/// <summary>All that the choice of an algorithm depends on. Products with equal keys share a plan.</summary>
/// <param name="Product">The product and its sizes.</param>
/// <param name="HasBias">Whether a bias is added to D's columns.</param>
/// <param name="Accumulates">Whether C is added.</param>
/// <param name="Alignments">What the addresses of A, B, C and D are multiples of.</param>
internal readonly record struct MatmulKey(LinearProduct Product, bool HasBias, bool Accumulates, MatmulAlignments Alignments);

/// <summary>What four addresses are multiples of: powers of two up to 256, more than which no kernel asks for.</summary>
internal readonly record struct MatmulAlignments(int A, int B, int C, int D)
{
    private const int Highest = 256;

    public static MatmulAlignments Of(in MatmulAddresses addresses) =>
        new(Of(addresses.A), Of(addresses.B), Of(addresses.C), Of(addresses.D));

    private static int Of(nint address) => 1 << BitOperations.TrailingZeroCount(address | Highest);
}
