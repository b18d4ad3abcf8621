using System.Runtime.Intrinsics;
using Andrea.Cpu.Simd;

namespace Andrea.Tests.Cpu.Simd;

public class SoftmaxMathTests
{
    [Fact]
    public void Exp_UpToZero_IsWithinTwoToTheMinus23()
    {
        // Every 997th float down to -100, below which all is 0.
        double worst = 0;
        foreach ((float x, float result) in Samples(-100, 1e-9f, SoftmaxMath.Exp))
            worst = Math.Max(worst, Math.Abs(result - Math.Exp(x)));
        Assert.InRange(worst, 0, 1.0 / (1 << 23));
    }

    /// <summary>Both signs: the backward pass may meet scores slightly above logSumExp.</summary>
    [Fact]
    public void Exp_WholeRange_HasTheRelativeErrorThatItClaims()
    {
        double worst = 0;
        foreach (float limit in (float[])[88, -87.3f])
            foreach ((float x, float result) in Samples(limit, 1e-6f, SoftmaxMath.Exp))
                worst = Math.Max(worst, Math.Abs(result / Math.Exp(x) - 1) / (Math.ScaleB(1.5, -23) + Math.Abs(x) * Math.ScaleB(1.25, -24)));
        Assert.InRange(worst, 0, 1);
    }

    [Fact]
    public void Exp_Ends_AreExact()
    {
        Assert.Equal(1, Exp(0));
        Assert.Equal(1, Exp(-0f));
        foreach (float small in (float[])[-87.4f, -88, -200, -1e4f, -1e38f, -float.MaxValue, float.NegativeInfinity])
            Assert.Equal(0u, BitConverter.SingleToUInt32Bits(Exp(small)));
        // Whatever its payload: the low bits of a NaN must not become an exponent.
        foreach (uint bits in (uint[])[0x7FC00000, 0xFFC00000, 0x7FC000FF, 0xFFC00001, 0x7FFFFFFF])
            Assert.True(float.IsNaN(Exp(BitConverter.UInt32BitsToSingle(bits))));
    }

    [Fact]
    public void Log_FromOneOn_IsWithinTwoUnitsInTheLastPlace()
    {
        double worst = 0;
        foreach ((float x, float result) in Samples(1e10f, 1, SoftmaxMath.Log))
        {
            Assert.True(result >= 0, $"log({x:g9}) = {result:g9}");
            double expected = Math.Log(x);
            worst = Math.Max(worst, Math.Abs(result - expected) / (MathF.BitIncrement((float)expected) - (double)(float)expected));
        }
        Assert.InRange(worst, 0, 2);
    }

    [Fact]
    public void Log_Ends_AreZeroMinusInfinityAndNaN()
    {
        Assert.Equal(0u, BitConverter.SingleToUInt32Bits(Log(1)));
        Assert.Equal(float.NegativeInfinity, Log(0));
        Assert.True(float.IsNaN(Log(float.NaN)));
    }

    private static float Exp(float x) => SoftmaxMath.Exp(Vector512.Create(x))[5];

    private static float Log(float x) => SoftmaxMath.Log(Vector512.Create(x))[5];

    /// <summary>Every 997th float from one magnitude down to another, and the function's value there.</summary>
    private static IEnumerable<(float X, float Result)> Samples(float from, float magnitude, Func<Vector512<float>, Vector512<float>> function)
    {
        var x = new float[SimdMath.Lanes];
        int filled = 0;
        for (uint bits = BitConverter.SingleToUInt32Bits(from); Math.Abs(BitConverter.UInt32BitsToSingle(bits)) >= magnitude; bits -= 997)
        {
            x[filled++] = BitConverter.UInt32BitsToSingle(bits);
            if (filled < SimdMath.Lanes)
                continue;
            filled = 0;
            Vector512<float> result = function(Vector512.Create(x));
            for (int lane = 0; lane < SimdMath.Lanes; lane++)
                yield return (x[lane], result[lane]);
        }
    }
}
