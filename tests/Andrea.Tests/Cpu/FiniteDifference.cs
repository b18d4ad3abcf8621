namespace Andrea.Tests.Cpu;

/// <summary>Checks a gradient against the slopes of the function itself, taken as central differences.</summary>
internal static class FiniteDifference
{
    /// <summary>Fails where <paramref name="gradient"/> is not the slope of <paramref name="loss"/> at <paramref name="point"/>.</summary>
    /// <remarks>A step of 2^-6 makes an error of step^2 / 6 times the third derivative (4e-5 of it), and turns float32 roundings of the
    /// loss's terms (1e-7 each) into errors of 3e-6 each; 5e-4 leaves room for both and is far below any wrong term.</remarks>
    public static void AssertGradient(string name, float[] point, Func<float[], double> loss, float[] gradient)
    {
        const float step = 1f / 64;
        const double limit = 5e-4;
        Assert.Equal(point.Length, gradient.Length);
        var moved = (float[])point.Clone();
        for (int i = 0; i < point.Length; i++)
        {
            float upper = point[i] + step, lower = point[i] - step;
            moved[i] = upper;
            double above = loss(moved);
            moved[i] = lower;
            double below = loss(moved);
            moved[i] = point[i];
            double slope = (above - below) / ((double)upper - lower);
            if (!(Math.Abs(slope - gradient[i]) <= limit * (1 + Math.Abs(slope))))
                Assert.Fail($"{name}[{i}]: the slope is {slope:g6}, the gradient {gradient[i]:g6}");
        }
    }

    /// <summary>A loss whose gradient with respect to <paramref name="values"/> is <paramref name="weights"/>.</summary>
    public static double Dot(float[] weights, float[] values)
    {
        double sum = 0;
        for (int i = 0; i < weights.Length; i++)
            sum += (double)weights[i] * values[i];
        return sum;
    }
}
