namespace Andrea.Tests.PtxEmulator;

/// <summary>The means of the instruction tests find what they should find.</summary>
public class InstructionCaseTests
{
    [Fact]
    public void Check_OneWrongResult_Fails()
    {
        var wrong = new InstructionCase("add.u32", "u32", "u32 u32", v => v[0] == 31 && v[1] == 32 ? 64 : (uint)(v[0] + v[1]));
        Exception failure = Assert.ThrowsAny<Exception>(() => wrong.Check());
        Assert.Contains("add.u32 of (0x1f, 0x20): 0x3f, expected 0x40", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 0, "rn", 1f)]
    [InlineData(0x1000001, 0, "rn", 16777216f)]
    [InlineData(0x1000003, 0, "rn", 16777220f)]
    [InlineData(0x1000001, 0, "rp", 16777218f)]
    [InlineData(-0x1000001, 0, "rm", -16777218f)]
    [InlineData(-0x1000001, 0, "rz", -16777216f)]
    [InlineData(1, -150, "rn", 0f)]
    [InlineData(3, -150, "rn", 2 * float.Epsilon)]
    [InlineData(1, -150, "rp", float.Epsilon)]
    [InlineData(-1, -200, "rn", -0f)]
    [InlineData(1, 128, "rn", float.PositiveInfinity)]
    [InlineData(1, 128, "rz", float.MaxValue)]
    [InlineData(0x1ffffff, 103, "rn", float.PositiveInfinity)]
    [InlineData(0x1ffffff, 103, "rm", float.MaxValue)]
    public void ExactFloat_Rounded_GivesTheBits(int mantissa, int exponent, string mode, float expected) =>
        Assert.Equal(BitConverter.SingleToUInt32Bits(expected), new ExactFloat(mantissa, exponent).ToSingleBits(mode));
}
