using static Andrea.Tests.PtxEmulator.OperandValues;

namespace Andrea.Tests.PtxEmulator;

/// <summary>The approximate instructions stay within the error that the PTX manual documents, and give its special values exactly.</summary>
public class ApproximateInstructionTests
{
    /// <summary>The largest errors that the manual allows: relative, or absolute where it says so.</summary>
    [Theory]
    [InlineData("ex2.approx.f32", 2.4e-7, 0)]
    [InlineData("ex2.approx.ftz.f32", 2.4e-7, 1.2e-38)]
    [InlineData("lg2.approx.f32", 2.4e-7, 2.4e-7)]
    [InlineData("rcp.approx.f32", 1.2e-7, 1e-45)]
    [InlineData("rcp.approx.ftz.f32", 1.2e-7, 1.2e-38)]
    [InlineData("rsqrt.approx.f32", 2.2e-7, 0)]
    [InlineData("sqrt.approx.f32", 1.2e-7, 0)]
    [InlineData("tanh.approx.f32", 4.9e-4, 0)]
    [InlineData("sin.approx.f32", 0, 5e-7)]
    [InlineData("cos.approx.f32", 0, 5e-7)]
    public void Approximation_OfManyValues_StaysWithinTheDocumentedError(string instruction, double relative, double absolute)
    {
        float[] values = [.. Enumerable.Range(-600, 1200).Select(i => i * (instruction[0] is 's' or 'c' ? 0.005f : 0.21f)), 1e-30f, 1e30f, 3e-39f,
            126.5f, -126.5f, -149f];
        ulong[] results = PtxOperation.Evaluate(instruction, "f32", "f32", [.. values.Select(v => (ulong[])[BitConverter.SingleToUInt32Bits(v)])]);
        for (int i = 0; i < values.Length; i++)
        {
            double expected = Reference(instruction, values[i]);
            double actual = Single(results[i]);
            if (double.IsNaN(expected) || double.IsInfinity((float)expected))
                Assert.Equal((float)expected, (float)actual);
            else
                Assert.True(Math.Abs(actual - expected) <= relative * Math.Abs(expected) + absolute + 1e-45,
                    $"{instruction} of {values[i]}: {actual}, expected {expected}");
        }
    }

    [Theory]
    [InlineData("ex2.approx.f32", float.NegativeInfinity, 0f)]
    [InlineData("ex2.approx.f32", float.PositiveInfinity, float.PositiveInfinity)]
    [InlineData("ex2.approx.f32", float.NaN, float.NaN)]
    [InlineData("ex2.approx.f32", 0f, 1f)]
    [InlineData("ex2.approx.f32", -149f, float.Epsilon)]
    [InlineData("ex2.approx.ftz.f32", -149f, 0f)]
    [InlineData("ex2.approx.f32", 10f, 1024f)]
    [InlineData("lg2.approx.f32", 0f, float.NegativeInfinity)]
    [InlineData("lg2.approx.f32", -1f, float.NaN)]
    [InlineData("lg2.approx.f32", 8f, 3f)]
    [InlineData("lg2.approx.ftz.f32", 1e-40f, float.NegativeInfinity)]
    [InlineData("rsqrt.approx.f32", 0f, float.PositiveInfinity)]
    [InlineData("rsqrt.approx.f32", -0f, float.NegativeInfinity)]
    [InlineData("rsqrt.approx.f32", float.PositiveInfinity, 0f)]
    [InlineData("rsqrt.approx.f32", -1f, float.NaN)]
    [InlineData("rcp.approx.f32", -0f, float.NegativeInfinity)]
    [InlineData("rcp.approx.ftz.f32", 1e-40f, float.PositiveInfinity)]
    [InlineData("tanh.approx.f32", float.PositiveInfinity, 1f)]
    public void Approximation_SpecialValue_IsTheManuals(string instruction, float value, float expected)
    {
        ulong[] result = PtxOperation.Evaluate(instruction, "f32", "f32", [[BitConverter.SingleToUInt32Bits(value)]]);
        Assert.Equal(float.IsNaN(expected) ? 0x7fffffffu : BitConverter.SingleToUInt32Bits(expected), (uint)result[0]);
    }

    [Theory]
    [InlineData("div.approx.f32", 6f, 3f, 2f)]
    [InlineData("div.full.f32", 6f, 3f, 2f)]
    [InlineData("div.approx.f32", 1f, 2e38f, 0f)]
    [InlineData("div.full.f32", 1e38f, 2e38f, 0.5f)]
    [InlineData("div.approx.f32", float.PositiveInfinity, 2e38f, float.NaN)]
    public void Division_Approximate_FollowsTheManual(string instruction, float a, float b, float expected)
    {
        ulong[] result = PtxOperation.Evaluate(
            instruction, "f32", "f32 f32", [[BitConverter.SingleToUInt32Bits(a), BitConverter.SingleToUInt32Bits(b)]]);
        Assert.Equal(float.IsNaN(expected) ? 0x7fffffffu : BitConverter.SingleToUInt32Bits(expected), (uint)result[0]);
    }

    [Theory]
    [InlineData("rcp.approx.ftz.f64")]
    [InlineData("rsqrt.approx.ftz.f64")]
    public void Approximation_OfDoubles_IsGrossAndHasNoLowerWord(string instruction)
    {
        double[] values = [0.3, 1.7, 123456.789, 1e-200, 1e200];
        ulong[] results = PtxOperation.Evaluate(instruction, "f64", "f64", [.. values.Select(v => (ulong[])[BitConverter.DoubleToUInt64Bits(v)])]);
        for (int i = 0; i < values.Length; i++)
        {
            double expected = instruction.StartsWith("rcp", StringComparison.Ordinal) ? 1 / values[i] : 1 / Math.Sqrt(values[i]);
            Assert.Equal(0u, (uint)results[i]);
            Assert.InRange(Double(results[i]) / expected, 1 - 2e-6, 1 + 2e-6);
        }
    }

    private static double Reference(string instruction, float x) => instruction[..3] switch
    {
        "ex2" => Math.Pow(2, x),
        "lg2" => Math.Log2(Flush(instruction, x)),
        "rcp" => 1.0 / Flush(instruction, x),
        "rsq" => 1 / Math.Sqrt(x),
        "sqr" => Math.Sqrt(x),
        "tan" => Math.Tanh(x),
        "sin" => Math.Sin(x),
        _ => Math.Cos(x),
    };

    private static double Flush(string instruction, float x) =>
        instruction.Contains(".ftz", StringComparison.Ordinal) && float.IsSubnormal(x) ? 0 : x;
}
