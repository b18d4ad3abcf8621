using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.Gradients;

/// <summary>Steps that are measured: the same updates, and sums with the bits of the CPU.</summary>
public abstract partial class GradientParityTests
{
    [Theory]
    [MemberData(nameof(Offsets))]
    public void MeasuredStep_EveryLength0To257_HasTheBitsOfTheCpu(int offset) =>
        Compare(Enumerable.Range(0, 258).Select(length => TestDevice.Normal((ulong)length, length)), offset, MeasuredSteps);

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void MeasuredStep_AroundStripsAndChunks_HasTheBitsOfTheCpu(int offset)
    {
        int[] lengths = [8191, 8192, 8193, 65_535, 65_536, 65_537, 1];
        Compare(lengths.Select(length => TestDevice.Normal((ulong)length, length)), offset, MeasuredStep);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void MeasuredStep_OneGroupUnaligned_HasTheBitsOfTheCpu(int group) =>
        Compare([TestDevice.Normal(1, 300), TestDevice.Normal(2, 9001)], 0, MeasuredSteps, group);

    [Fact]
    public void MeasuredStep_ManyChunksAndTensors_HasTheBitsOfTheCpu() =>
        Compare([TestDevice.Normal(1, 33 * 65_536 + 5), .. Enumerable.Range(0, 300).Select(i => TestDevice.Normal((ulong)i, i % 3))], 0, MeasuredStep);

    [Fact]
    public void MeasuredStep_SpecialValues_HasTheBitsOfTheCpu()
    {
        float[] values =
        [
            float.MaxValue, float.Epsilon, -0f, 0f, 1e-38f, -1e38f, 1.5f, float.MinValue, 1e20f, 3e-39f,
            .. TestDevice.Normal(5, 500, 1e10), .. TestDevice.Normal(6, 500, 1e-42),
        ];
        Compare([values, new float[300]], 0, MeasuredSteps);
        Compare([values[1..4], values[9..10], TestDevice.Normal(6, 500, 1e-42)], 1, MeasuredSteps);
    }

    [Theory]
    [InlineData(float.NaN, true)]
    [InlineData(float.NaN, false)]
    [InlineData(float.PositiveInfinity, true)]
    [InlineData(float.PositiveInfinity, false)]
    [InlineData(float.NegativeInfinity, false)]
    public void MeasuredStep_NonFinite_HasTheBitsOfTheCpu(float bad, bool skip)
    {
        float[][] gradients = [TestDevice.Normal(1, 300), TestDevice.Normal(2, 131_071), TestDevice.Normal(3, 9_001)];
        (gradients[1][66_000], gradients[1][130_000]) = (bad, float.NaN);
        Compare(gradients, 0, run =>
        {
            run.Clip(Exact with { SkipNonFinite = skip });
            Assert.Equal([(0, -1), (2, 66_000), (0, -1)], run.Norms.Select(norm => ((int)norm.NonFiniteCount, (int)norm.FirstNonFinite)));
            Assert.Equal([false, true, false], run.Norms.Select(norm => float.IsNaN(norm.MaxMagnitude)));
            run.AdamWMeasured(0.01, clipped: true);
            Assert.Equal(skip ? 0 : 1, run.State.Step);
            Assert.True(run.Updates[0].Weights > 0);
            Assert.Equal(skip, run.Updates[0].Updates == 0);
            // A norm of NaN makes every gradient NaN, unless the step is skipped, where there is no second moment to go with them.
            Assert.True(double.IsNaN(run.Updates[0].Gradients));
        });
    }

    [Fact]
    public void MeasuredStep_SkippedInBetween_GoesOnAsOnTheCpu()
    {
        float[][] good = [TestDevice.Normal(1, 5000), TestDevice.Normal(2, 100)], bad = [TestDevice.Normal(1, 5000), TestDevice.Normal(2, 100)];
        bad[1][3] = float.NaN;
        Compare(good, 0, run =>
        {
            foreach (float[][] gradients in new[] { good, bad, bad, good })
            {
                run.WriteGradients(gradients);
                run.Clip(Exact);
                run.AdamWMeasured(0.01, clipped: true);
            }
            Assert.Equal(2, run.State.Step);
        });
    }

    [Fact]
    public void MeasuredStep_WithoutTensors_CountsAsOnTheCpu() => Compare([], 0, MeasuredSteps);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void MeasuredStep_LeavesTheBitsOfAPlainStep(int offset)
    {
        float[][] gradients = [TestDevice.Normal(1, 70_001), TestDevice.Normal(2, 333), [], [1e30f, 0, -2]];
        using Device device = CudaDevices.Open(OpenDriver());
        using OptimizerRun plain = new(device, gradients, offset), measured = new(device, gradients, offset);
        for (int i = 0; i < 3; i++)
        {
            plain.Clip(Exact);
            plain.AdamW(0.01, clipped: i > 0);
            measured.Clip(Exact);
            measured.AdamWMeasured(0.01, clipped: i > 0);
        }
        foreach (((string name, string[] wanted), (_, string[] got)) in plain.Everything().Zip(measured.Everything()))
            if (!name.StartsWith("updates", StringComparison.Ordinal))
                Assert.Equal(wanted, got);
    }

    private static void MeasuredStep(OptimizerRun run)
    {
        run.Clip(Exact);
        run.AdamWMeasured(0.01, clipped: true);
    }

    private static void MeasuredSteps(OptimizerRun run)
    {
        for (int i = 0; i < 2; i++)
        {
            run.Clip(Exact);
            run.AdamWMeasured(0.01 * (i + 1), clipped: i > 0);
        }
    }
}
