using Andrea.Backends;
using Andrea.Cuda.Interop;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.Gradients;

/// <summary>The optimizer's kernels give the bits of the CPU, on whatever runs them. One class derives from this for each driver.</summary>
public abstract partial class GradientParityTests
{
    private static readonly ClipSettings Exact = new(1.0, TorchFormula: false, SkipNonFinite: true);

    /// <summary>Where each tensor begins, in floats after a multiple of 64 bytes: only 0 and 4 allow the vector path.</summary>
    public static TheoryData<int> Offsets => [0, 1, 2, 3, 4];

    /// <summary>The driver under test; skips the test when there is none.</summary>
    internal abstract ICudaDriver OpenDriver();

    [Theory]
    [MemberData(nameof(Offsets))]
    public void Step_EveryLength0To257_HasTheBitsOfTheCpu(int offset) =>
        Compare(Enumerable.Range(0, 258).Select(length => TestDevice.Normal((ulong)length, length)), offset, FusedSteps);

    [Theory]
    [MemberData(nameof(Offsets))]
    public void Step_AroundStripsAndChunks_HasTheBitsOfTheCpu(int offset)
    {
        int[] lengths = [8191, 8192, 8193, 65_535, 65_536, 65_537, 1, 131_079];
        Compare(lengths.Select(length => TestDevice.Normal((ulong)length, length)), offset, FusedSteps);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Step_OneGroupUnaligned_HasTheBitsOfTheCpu(int group) =>
        Compare([TestDevice.Normal(1, 300), TestDevice.Normal(2, 9001)], 0, FusedSteps, group);

    [Fact]
    public void Step_ManyChunksAndTensors_HasTheBitsOfTheCpu() =>
        Compare([TestDevice.Normal(1, 40 * 65_536 + 5), .. Enumerable.Range(0, 1100).Select(i => TestDevice.Normal((ulong)i, i % 3))], 0, FusedSteps);

    [Theory]
    [InlineData(1.0, false)]
    [InlineData(1.0, true)]
    [InlineData(1e-3, true)]
    [InlineData(0.0, false)]
    [InlineData(0.0, true)]
    [InlineData(1e6, false)]
    [InlineData(1e6, true)]
    [InlineData(double.PositiveInfinity, false)]
    [InlineData(double.PositiveInfinity, true)]
    public void Scale_EveryFormula_HasTheBitsOfTheCpu(double maxNorm, bool torchFormula)
    {
        foreach (int offset in new[] { 0, 3 })
            Compare([TestDevice.Normal(3, 10_003), [], TestDevice.Normal(4, 70_001)], offset, run =>
            {
                for (int i = 0; i < 3; i++)
                {
                    run.Clip(new ClipSettings(maxNorm, torchFormula, SkipNonFinite: true));
                    run.Scale();
                }
            });
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void NonFinite_Anywhere_IsCountedFoundAndSkippedAsOnTheCpu(float bad)
    {
        foreach ((int tensor, int index) in new[] { (0, 0), (1, 66_000), (1, 131_070), (2, 5000) })
            foreach (bool skip in new[] { true, false })
            {
                float[][] gradients = [TestDevice.Normal(1, 300), TestDevice.Normal(2, 131_071), TestDevice.Normal(3, 9_001)];
                gradients[tensor][index] = bad;
                gradients[2][9_000] = bad;
                Compare(gradients, 0, run =>
                {
                    run.Clip(Exact with { SkipNonFinite = skip });
                    Assert.Equal((tensor, index, 2L), (run.ClipState.FirstBadTensor, (int)run.ClipState.FirstBadIndex, run.ClipState.NonFiniteCount));
                    run.Scale();
                    run.AdamW(0.01, clipped: true);
                    Assert.Equal(skip ? 0 : 1, run.State.Step);
                });
            }
    }

    [Fact]
    public void NonFinite_NaNAmongInfinities_IsNaNAsOnTheCpu() =>
        Compare(
            [[1, float.PositiveInfinity, float.NaN], [float.NegativeInfinity], [float.NaN, 2]], 0,
            run => run.Clip(Exact with { TorchFormula = true, SkipNonFinite = false }));

    [Fact]
    public void Step_SpecialValues_HasTheBitsOfTheCpu()
    {
        float[] values =
        [
            float.MaxValue, float.Epsilon, -0f, 0f, 1e-38f, -1e38f, 1.5f, float.MinValue, 1e20f, 3e-39f,
            .. TestDevice.Normal(5, 500, 1e10), .. TestDevice.Normal(6, 500, 1e-42),
        ];
        Compare([values], 0, FusedSteps);
        Compare([values[1..4], values[9..10], TestDevice.Normal(6, 500, 1e-42)], 1, FusedSteps);
    }

    [Fact]
    public void Step_SkippedInBetween_GoesOnAsOnTheCpu()
    {
        float[][] good = [TestDevice.Normal(1, 5000), TestDevice.Normal(2, 100)], bad = [TestDevice.Normal(1, 5000), TestDevice.Normal(2, 100)];
        bad[1][3] = float.NaN;
        Compare(good, 0, run =>
        {
            foreach (float[][] gradients in new[] { good, bad, bad, good })
            {
                run.WriteGradients(gradients);
                run.Clip(Exact);
                run.AdamW(0.01, clipped: true);
            }
            Assert.Equal(2, run.State.Step);
            Assert.Equal((4, 2, 0), ((int)run.ClipState.Calls, (int)run.ClipState.SkippedCalls, run.ClipState.ConsecutiveSkips));
        });
    }

    [Fact]
    public void Step_WithoutTensors_CountsAsOnTheCpu() => Compare([], 0, FusedSteps);

    [Fact]
    public void Steps_Recorded_GiveTheBitsOfStepsLaunched()
    {
        float[][] gradients = [TestDevice.Normal(1, 70_000), TestDevice.Normal(2, 333)];
        using Device device = CudaDevices.Open(OpenDriver());
        using OptimizerRun launched = new(device, gradients), recorded = new(device, gradients);
        launched.AdamW(0.01, clipped: false);
        recorded.AdamW(0.01, clipped: false);
        void Enqueue(OptimizerRun run)
        {
            run.Clip(Exact);
            run.EnqueueAdamW(clipped: true);
        }
        using IRecording graph = device.Backend.Record(() => Enqueue(recorded));
        Assert.IsType<Andrea.Cuda.CudaGraph>(graph);
        Assert.Equal(1, recorded.State.Step);
        for (int i = 0; i < 3; i++)
        {
            Enqueue(launched);
            graph.Launch();
        }
        Assert.Equal(4, recorded.State.Step);
        AssertSame(launched, recorded);
    }

    [Fact]
    public void Comparison_OneBitOff_Fails()
    {
        // Negative control.
        using Device device = Device.Cpu(1);
        using OptimizerRun one = new(device, [[1, 2, 3]]), other = new(device, [[1, 2, MathF.BitIncrement(3)]]);
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => AssertSame(one, other));
    }

    private static void FusedSteps(OptimizerRun run)
    {
        for (int i = 0; i < 3; i++)
        {
            run.Clip(Exact);
            run.AdamW(0.01 * (i + 1), clipped: i > 0);
        }
        run.Scale();
    }

    private void Compare(IEnumerable<float[]> gradients, int offset, Action<OptimizerRun> work, int unalignedGroup = -1)
    {
        float[][] tensors = [.. gradients];
        using Device cpu = Device.Cpu(2), cuda = CudaDevices.Open(OpenDriver());
        using OptimizerRun expected = new(cpu, tensors, offset, unalignedGroup), actual = new(cuda, tensors, offset, unalignedGroup);
        work(expected);
        work(actual);
        AssertSame(expected, actual);
    }

    private static void AssertSame(OptimizerRun expected, OptimizerRun actual)
    {
        foreach (((string name, string[] wanted), (_, string[] got)) in expected.Everything().Zip(actual.Everything()))
        {
            int different = wanted.Zip(got).TakeWhile(pair => pair.First == pair.Second).Count();
            if (different < wanted.Length)
                Assert.Fail($"{name}: element {different} of {wanted.Length} is {got[different]} instead of {wanted[different]}.");
        }
    }
}
