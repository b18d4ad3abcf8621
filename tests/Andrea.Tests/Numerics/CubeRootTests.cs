using System.Runtime.Intrinsics;
using Andrea.Cpu.Simd;
using Andrea.Numerics;

namespace Andrea.Tests.Numerics;

public class CubeRootTests
{
    [Fact]
    public void Of_EveryFloatOfOnePeriod_IsWithinHalfAUnitAndAHundredth()
    {
        double worst = 0;
        for (int bits = BitConverter.SingleToInt32Bits(0.125f); bits < BitConverter.SingleToInt32Bits(1f); bits++)
        {
            float x = BitConverter.Int32BitsToSingle(bits), root = CubeRoot.Of(x);
            double exact = Math.Cbrt(x);
            // Roots of [1/8, 1) lie in [1/2, 1), where a unit is 2^-24.
            worst = Math.Max(worst, Math.Abs(root - exact) * (1 << 24));
        }
        Assert.InRange(worst, 0.49, 0.51);
    }

    [Fact]
    public void Of_AnyNormalNumber_ScalesByPowersOfEight()
    {
        foreach (float x in (float[])[1.1754944e-38f, 1e-37f, 1e-20f, 3.5f, 1e20f, float.MaxValue])
            Assert.Equal(Math.Cbrt(x), CubeRoot.Of(x), Math.Cbrt(x) * 6.1e-8);
        Assert.Equal((1f, 2f, 0.5f), (CubeRoot.Of(1), CubeRoot.Of(8), CubeRoot.Of(0.125f)));
    }

    [Fact]
    public void Cube_OnSixteenLanes_HasTheSameBits()
    {
        for (int bits = 0x00800000; bits < 0x7F000000; bits += 16 * 7919)
        {
            Vector512<float> x = (Vector512.Create(bits) + (Vector512<int>.Indices * 7919)).AsSingle(), root = SimdRoots.Cube(x);
            for (int lane = 0; lane < SimdMath.Lanes; lane++)
                Assert.Equal(BitConverter.SingleToInt32Bits(CubeRoot.Of(x[lane])), BitConverter.SingleToInt32Bits(root[lane]));
        }
    }
}
