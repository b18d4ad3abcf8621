using System.Runtime.Intrinsics;
using Andrea.Cpu.Simd;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cpu.Simd;

public class SimdMathTests
{
    [Fact]
    public void Exp_WholeRange_IsWithinTwoUnitsInTheLastPlace()
    {
        // Every 997th float between the limits, both signs: some 2.2 million.
        double worst = 0;
        var x = new float[SimdMath.Lanes];
        int filled = 0;
        foreach (float limit in (float[])[88.72283f, -87.33654f])
            for (uint bits = BitConverter.SingleToUInt32Bits(limit); (bits & 0x7FFF_FFFF) > 0x2000_0000; bits -= 997)
            {
                x[filled++] = BitConverter.UInt32BitsToSingle(bits);
                if (filled < SimdMath.Lanes)
                    continue;
                filled = 0;
                Vector512<float> result = SimdMath.Exp(Vector512.Create(x));
                for (int lane = 0; lane < SimdMath.Lanes; lane++)
                    worst = Math.Max(worst, UnitsInTheLastPlace(result[lane], Math.Exp(x[lane])));
            }
        Assert.InRange(worst, 0, 2);
    }

    [Fact]
    public void Exp_Ends_AreZeroInfinityAndNaN()
    {
        Assert.Equal(1, Exp(0));
        Assert.Equal(1, Exp(-0f));
        Assert.Equal(1, Exp(float.Epsilon));
        Assert.InRange(Exp(88.72283f), 3.402e38f, float.MaxValue);
        Assert.InRange(Exp(-87.33654f), 1.17549e-38f, 1.1756e-38f);
        foreach (float large in (float[])[88.722839f, 89, 1e4f, float.MaxValue, float.PositiveInfinity])
            Assert.Equal(float.PositiveInfinity, Exp(large));
        foreach (float small in (float[])[-87.336555f, -88, -1e4f, -float.MaxValue, float.NegativeInfinity])
            Assert.Equal(0u, BitConverter.SingleToUInt32Bits(Exp(small)));
        Assert.True(float.IsNaN(Exp(float.NaN)));
        Assert.True(float.IsNaN(Exp(-float.NaN)));
    }

    [Fact]
    public void Exp_SpecialLane_DoesNotTouchItsNeighbours()
    {
        float[] x = new float[SimdMath.Lanes];
        for (int lane = 0; lane < SimdMath.Lanes; lane++)
            foreach (float special in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
            {
                Array.Fill(x, 1.5f);
                x[lane] = special;
                Vector512<float> result = SimdMath.Exp(Vector512.Create(x));
                for (int other = 0; other < SimdMath.Lanes; other++)
                    Assert.Equal(other == lane ? Exp(special) : Exp(1.5f), result[other]);
            }
    }

    [Fact]
    public void Sum_Lanes_AreAddedByHalves()
    {
        float[] x = TestDevice.Normal(1, SimdMath.Lanes, 1e3);
        var expected = (float[])x.Clone();
        for (int half = 8; half > 0; half /= 2)
            for (int i = 0; i < half; i++)
                expected[i] += expected[i + half];
        Assert.Equal(expected[0], SimdMath.Sum(Vector512.Create(x)));
    }

    [Fact]
    public void Max_EveryLane_IsFoundAndNaNWins()
    {
        for (int lane = 0; lane < SimdMath.Lanes; lane++)
        {
            float[] x = TestDevice.Normal(1, SimdMath.Lanes);
            x[lane] = 100;
            Assert.Equal(100, SimdMath.Max(Vector512.Create(x)));
            x[lane] = float.NaN;
            Assert.True(float.IsNaN(SimdMath.Max(Vector512.Create(x))));
        }
    }

    [Fact]
    public unsafe void LoadFirstAndStoreFirst_EveryCount_KeepToTheirElements()
    {
        float[] source = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
        for (int count = 0; count <= SimdMath.Lanes; count++)
        {
            var target = new float[SimdMath.Lanes + 1];
            Array.Fill(target, -1);
            fixed (float* from = source, to = target)
            {
                Vector512<float> value = SimdMath.LoadFirst(from, count);
                for (int lane = 0; lane < SimdMath.Lanes; lane++)
                    Assert.Equal(lane < count ? source[lane] : 0, value[lane]);
                SimdMath.StoreFirst(Vector512.Create(source), to, count);
            }
            for (int i = 0; i < target.Length; i++)
                Assert.Equal(i < count ? source[i] : -1, target[i]);
        }
    }

    [Fact]
    public void FirstLanes_EveryCount_MasksTheRest()
    {
        for (int count = 0; count <= SimdMath.Lanes; count++)
        {
            Vector512<float> masked = Vector512.Create(float.NaN) & SimdMath.FirstLanes(count);
            for (int lane = 0; lane < SimdMath.Lanes; lane++)
                Assert.Equal(lane < count ? float.NaN : 0, masked[lane]);
        }
    }

    private static float Exp(float x) => SimdMath.Exp(Vector512.Create(x))[0];

    private static double UnitsInTheLastPlace(float actual, double exact)
    {
        // exact, rounded to float32, lies at most one exponent off.
        float rounded = Math.Abs((float)exact);
        return Math.Abs(actual - exact) / (MathF.BitIncrement(rounded) - (double)rounded);
    }
}
