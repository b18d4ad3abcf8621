namespace Andrea.Tests.Support;

public class ToleranceTests
{
    [Fact]
    public void Mismatch_OneElementOff_NamesItsIndex()
    {
        float[] expected = [1, 2, 3];
        float[] actual = [1, 2.1f, 3];
        Assert.Contains("x[1]", Tolerance.Chained.Mismatch("x", expected, actual), StringComparison.Ordinal);
    }

    [Fact]
    public void Mismatch_NaN_IsAMismatch()
    {
        Assert.NotNull(Tolerance.Chained.Mismatch("x", [1f], [float.NaN]));
        Assert.NotNull(Tolerance.Chained.Mismatch("x", [float.NaN], [1f]));
    }

    [Fact]
    public void Mismatch_Equal_IsNone() => Assert.Null(Tolerance.Elementwise.Mismatch("x", [1f, -0f], [1f, 0f]));
}
