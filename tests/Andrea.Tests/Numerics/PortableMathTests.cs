using Andrea.Numerics;

namespace Andrea.Tests.Numerics;

public class PortableMathTests
{
    [Fact]
    public void Log_AnyMagnitude_IsWithinTwoUnitsInTheLastPlace()
    {
        var random = new Philox(1);
        for (int i = 0; i < 200_000; i++)
        {
            // Random bits: every exponent from the denormals up, every mantissa.
            double x = BitConverter.UInt64BitsToDouble(random.NextUInt64() >> 1);
            if (!double.IsFinite(x) || x == 0)
                continue;
            AssertClose(x);
            AssertClose(1 + (x % 1));
            AssertClose(1 - random.NextDouble() * 1e-3);
        }
    }

    [Fact]
    public void Log_Specials_AreThoseOfIeee754()
    {
        Assert.Equal(0, PortableMath.Log(1));
        Assert.Equal(double.NegativeInfinity, PortableMath.Log(0));
        Assert.Equal(double.NegativeInfinity, PortableMath.Log(-0.0));
        Assert.Equal(double.PositiveInfinity, PortableMath.Log(double.PositiveInfinity));
        Assert.Equal(double.NaN, PortableMath.Log(double.NaN));
        Assert.Equal(double.NaN, PortableMath.Log(-1));
        Assert.Equal(double.NaN, PortableMath.Log(double.NegativeInfinity));
    }

    private static void AssertClose(double x)
    {
        double expected = Math.Log(x), actual = PortableMath.Log(x);
        double unit = Math.BitIncrement(Math.Abs(expected)) - Math.Abs(expected);
        // Math.Log itself is off by up to one unit.
        if (!(Math.Abs(actual - expected) <= 3 * unit))
            Assert.Fail($"Log({x:r}): expected {expected:r}, got {actual:r}");
    }
}
