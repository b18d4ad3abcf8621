using Andrea.Tests.Support;

namespace Andrea.Tests.Cpu;

/// <summary>The oracle itself: cases solved by hand, and its gradient against slopes of its forward pass.</summary>
public class AttentionReferenceTests
{
    [Fact]
    public void Forward_OneToken_IsItsValue()
    {
        var problem = new AttentionCase(2, 1, 3, 4);
        using TestDevice device = TestDevice.Open("reference");
        (float[] output, _) = problem.Forward(device);
        for (int b = 0; b < 2; b++)
            for (int h = 0; h < 3; h++)
                Assert.Equal(problem.Row(b, 0, 2, h), output.AsSpan(problem.OutputIndexOf(b, 0, h), 4));
    }

    [Fact]
    public void Forward_ZeroQueries_AreMeansOfTheValuesSoFar()
    {
        var problem = new AttentionCase(1, 5, 2, 3);
        for (int t = 0; t < 5; t++)
            for (int h = 0; h < 2; h++)
                problem.Row(0, t, 0, h).Clear();
        using TestDevice device = TestDevice.Open("reference");
        (float[] output, float[] logSumExp) = problem.Forward(device);
        for (int t = 0; t < 5; t++)
        {
            Assert.Equal((float)Math.Log(t + 1), logSumExp[t]);
            Assert.Equal((float)Math.Log(t + 1), logSumExp[5 + t]);
            double mean = Enumerable.Range(0, t + 1).Average(s => (double)problem.Row(0, s, 2, 1)[2]);
            Assert.Equal(mean, output[problem.OutputIndexOf(0, t, 1) + 2], 6);
        }
    }

    /// <summary>D = 4, so that scores are halved: q = (2 ln 3, 0, 0, 0) and keys (1, ...), (0, ...) give the weights 3/4 and 1/4.</summary>
    [Fact]
    public void Forward_TwoTokens_WeighsByScaledScores()
    {
        var problem = new AttentionCase(1, 2, 1, 4);
        float[] query = [(float)(2 * Math.Log(3)), 0, 0, 0];
        query.CopyTo(problem.Row(0, 1, 0, 0));
        ((float[])[1, 9, 9, 9]).CopyTo(problem.Row(0, 0, 1, 0));
        ((float[])[0, 9, 9, 9]).CopyTo(problem.Row(0, 1, 1, 0));
        ((float[])[8, 0, 4, -4]).CopyTo(problem.Row(0, 0, 2, 0));
        ((float[])[0, 8, 4, 4]).CopyTo(problem.Row(0, 1, 2, 0));
        using TestDevice device = TestDevice.Open("reference");
        (float[] output, float[] logSumExp) = problem.Forward(device);
        Tolerance.Elementwise.AssertClose("output", [6, 2, 4, -2], output.AsSpan(4));
        Assert.Equal(Math.Log(4), logSumExp[1], 6);
    }

    [Theory]
    [InlineData(1, 1, 1, 1)]
    [InlineData(2, 3, 2, 3)]
    [InlineData(1, 6, 1, 4)]
    [InlineData(1, 4, 3, 1)]
    public void Backward_AnyShape_IsTheSlope(int batch, int tokens, int heads, int headSize)
    {
        var problem = new AttentionCase(batch, tokens, heads, headSize);
        using TestDevice device = TestDevice.Open("reference");
        float[] gradient = problem.ForwardBackward(device);
        float[] start = [.. problem.Qkv];
        for (int i = 0; i < start.Length; i++)
        {
            // Five points: the error is step^4 / 30 of the fifth derivative (5e-7 of it), and roundings of the output add about 2e-6.
            const float step = 1f / 16;
            double slope = (8 * (Loss(step) - Loss(-step)) - (Loss(2 * step) - Loss(-2 * step))) / (12 * step);
            Assert.True(
                Math.Abs(slope - gradient[i]) <= 2e-5 * (1 + Math.Abs(slope)), $"dQkv[{i}]: the slope is {slope:g8}, the gradient {gradient[i]:g8}");

            double Loss(float distance)
            {
                problem.Qkv[i] = start[i] + distance;
                (float[] output, _) = problem.Forward(device);
                problem.Qkv[i] = start[i];
                return FiniteDifference.Dot(problem.DOutput, output);
            }
        }
    }

    [Fact]
    public void Forward_EveryScoreMinusInfinity_IsNaNWithLogSumExpOfMinusInfinity()
    {
        var problem = new AttentionCase(1, 1, 1, 2);
        ((float[])[1, 1]).CopyTo(problem.Row(0, 0, 0, 0));
        ((float[])[float.NegativeInfinity, 0]).CopyTo(problem.Row(0, 0, 1, 0));
        using TestDevice device = TestDevice.Open("reference");
        (float[] output, float[] logSumExp) = problem.Forward(device);
        Assert.All(output, value => Assert.True(float.IsNaN(value)));
        Assert.Equal(float.NegativeInfinity, logSumExp[0]);
    }
}
