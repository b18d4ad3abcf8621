using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Andrea.Numerics;

namespace Andrea.Cpu.Simd;

/// <summary>Roots on 16 float lanes.</summary>
internal static class SimdRoots
{
    /// <summary><see cref="CubeRoot.Of"/>, with the same bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Cube(Vector512<float> x)
    {
        Vector512<int> bits = x.AsInt32();
        Vector512<int> third = (bits >> 2) + (bits >> 4);
        third += third >> 4;
        third += third >> 8;
        Vector512<float> y = (Vector512.Create(CubeRoot.Magic) - third).AsSingle(), part = Vector512.Create(CubeRoot.Third);
        for (int i = 0; i < CubeRoot.Iterations; i++)
        {
            Vector512<float> error = Vector512.FusedMultiplyAdd(-(x * y * y), y, Vector512<float>.One);
            y = Vector512.FusedMultiplyAdd(y * error, part, y);
        }
        Vector512<float> root = x * y * y, square = root * root;
        Vector512<float> rest = Vector512.FusedMultiplyAdd(-square, root, x);
        rest = Vector512.FusedMultiplyAdd(-Vector512.FusedMultiplyAdd(root, root, -square), root, rest);
        return Vector512.FusedMultiplyAdd(rest * (y * y), part, root);
    }
}
