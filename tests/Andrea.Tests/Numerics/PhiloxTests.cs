using Andrea.Numerics;

namespace Andrea.Tests.Numerics;

public class PhiloxTests
{
    [Fact]
    public void Block_KnownAnswers_OfRandom123()
    {
        Assert.Equal((0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u), Philox.Block(0, 0, 0, 0, 0, 0));
        const uint ones = 0xffffffff;
        Assert.Equal((0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu), Philox.Block(ones, ones, ones, ones, ones, ones));
        Assert.Equal(
            (0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u),
            Philox.Block(0xa4093822, 0x299f31d0, 0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344));
    }

    [Fact]
    public void Position_OpenedFurtherOn_GivesTheSameNumbers()
    {
        var whole = new Philox(42, 7);
        uint[] numbers = [.. Enumerable.Range(0, 50).Select(_ => whole.NextUInt32())];
        for (int start = 0; start < 50; start++)
        {
            var rest = new Philox(42, 7, (ulong)start);
            for (int i = start; i < 50; i++)
                Assert.Equal(numbers[i], rest.NextUInt32());
            Assert.Equal(50u, rest.Position);
        }
    }

    [Fact]
    public void NextInt64_StaysInRangeAndReachesBothEnds()
    {
        var random = new Philox(1);
        var seen = new HashSet<long>();
        for (int i = 0; i < 1000; i++)
            seen.Add(random.NextInt64(7));
        Assert.Equal([0L, 1, 2, 3, 4, 5, 6], seen.Order());
        Assert.Throws<ArgumentOutOfRangeException>(() => random.NextInt64(0));
    }

    [Fact]
    public void NextNormal_ManyDraws_HaveTheMomentsOfTheNormalDistribution()
    {
        var random = new Philox(3);
        const int count = 200_000;
        double sum = 0, squares = 0, fourths = 0;
        for (int i = 0; i < count; i++)
        {
            double x = random.NextNormal();
            sum += x;
            squares += x * x;
            fourths += x * x * x * x;
        }
        Assert.Equal(0, sum / count, 0.01);
        Assert.Equal(1, squares / count, 0.01);
        Assert.Equal(3, fourths / count, 0.1);
    }

    [Theory]
    [InlineData(0.5, 0)]
    [InlineData(0.975, 1.959963984540054)]
    [InlineData(0.01, -2.3263478740408408)]
    [InlineData(1e-10, -6.361340902404056)]
    public void NormalQuantile_KnownValues_AreMet(double p, double expected) => Assert.Equal(expected, NormalQuantile.At(p), 1e-8);

    [Fact]
    public void PortableMath_AgreesWithThePlatform()
    {
        var random = new Philox(5);
        for (int i = 0; i < 10_000; i++)
        {
            double x = random.NextDouble() * Math.Pow(10, random.NextInt32(600) - 300);
            Assert.Equal(Math.Log(x), PortableMath.Log(x), Math.Abs(Math.Log(x)) * 1e-15 + 1e-16);
            double y = random.NextDouble();
            Assert.Equal(Math.Cos(Math.PI * y), PortableMath.CosPi(y), 1e-15);
        }
        Assert.Equal(1.0, PortableMath.CosPi(0), 1e-16);
        Assert.Equal(-1.0, PortableMath.CosPi(1), 1e-16);
    }
}
