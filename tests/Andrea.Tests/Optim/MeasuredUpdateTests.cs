using Andrea.Backends;
using Andrea.Tests.Cuda.Gradients;
using Andrea.Tests.Support;

namespace Andrea.Tests.Optim;

/// <summary>Steps of AdamW that are measured, on the CPU: sums with the reference's bits, whose values are those of a plain loop.</summary>
public class MeasuredUpdateTests
{
    private static readonly ClipSettings Exact = new(1.0, TorchFormula: false, SkipNonFinite: true);

    [Fact]
    public void Sums_EveryLength0To257_HaveTheReferenceBits() =>
        Compare([.. Enumerable.Range(0, 258).Select(length => TestDevice.Normal((ulong)length, length))]);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void Sums_AroundStripsAndChunks_HaveTheReferenceBits(int offset) =>
        Compare([.. new[] { 8191, 8192, 8193, 65_535, 65_536, 65_537, 131_073 }.Select(length => TestDevice.Normal((ulong)length, length))], offset);

    [Fact]
    public void Sums_SpecialValues_HaveTheReferenceBits() =>
        Compare([
            [float.MaxValue, float.Epsilon, -0f, 0f, 1e-38f, -1e38f, 1.5f, float.MinValue, 1e20f, .. TestDevice.Normal(5, 500, 1e10)],
            new float[100], [.. TestDevice.Normal(6, 500, 1e-42)]]);

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Sums_NonFinite_HaveTheReferenceBits(float bad)
    {
        float[] values = TestDevice.Normal(1, 9000);
        values[8500] = bad;
        Compare([[1, 2, 3], values], settings: Exact with { SkipNonFinite = false });
        Compare([[1, 2, 3], values], settings: Exact);
    }

    [Theory]
    [InlineData("avx2")]
    [InlineData("scalar")]
    public void Sums_NarrowerRegisters_HaveTheSameBits(string instructionSet) =>
        Assert.Equal(Digest.Fingerprint(), InstructionSetRunner.Fingerprint<Digest>(instructionSet));

    [Fact]
    public void Sums_BesideAPlainLoop_AreItsSums()
    {
        const int length = 10_000;
        float[] gradients = TestDevice.Normal(1, length);
        using Device device = Device.Cpu(2);
        using var run = new OptimizerRun(device, [gradients]);
        float[] before = [.. gradients.Select(g => g * 0.5f + 0.25f)], v = [.. gradients.Select(g => g * g * 0.01f)];
        run.AdamWMeasured(0.01, clipped: false);
        float[] after = run.Parameters(0);
        double weights = 0, updates = 0, ratios = 0, moments = 0, squares = 0;
        for (int i = 0; i < length; i++)
        {
            double g = gradients[i], corrected = (0.999 * v[i] + 0.001 * g * g) / (1 - 0.999);
            weights += (double)before[i] * before[i];
            updates += Math.Pow((double)after[i] - before[i], 2);
            ratios += g * g / Math.Max(corrected, 1e-16);
            moments += corrected;
            squares += g * g;
        }
        UpdateSums sums = run.Updates[0];
        Assert.Equal(weights, sums.Weights, 1e-12 * weights);
        Assert.Equal(updates, sums.Updates, 1e-9 * updates);
        Assert.Equal(ratios, sums.Ratios, 1e-6 * ratios);
        Assert.Equal(moments, sums.SecondMoments, 1e-6 * moments);
        Assert.Equal(squares, sums.Gradients, 1e-12 * squares);
    }

    [Fact]
    public void Step_Measured_LeavesTheBitsOfAPlainOne()
    {
        float[][] gradients = [TestDevice.Normal(1, 70_003), TestDevice.Normal(2, 17), [], [1e30f]];
        foreach (int threads in new[] { 1, 3 })
        {
            using Device device = Device.Cpu(threads);
            using OptimizerRun plain = new(device, gradients, offset: 1), measured = new(device, gradients, offset: 1);
            for (int i = 0; i < 3; i++)
            {
                plain.Clip(Exact);
                plain.AdamW(0.01, clipped: i > 0);
                measured.Clip(Exact);
                measured.AdamWMeasured(0.01, clipped: i > 0);
            }
            Assert.Equal(Relevant(plain), Relevant(measured));
        }
        static IEnumerable<string> Relevant(OptimizerRun run) =>
            run.Everything().Where(part => !part.Name.StartsWith("updates", StringComparison.Ordinal)).SelectMany(part => part.Values);
    }

    private static void Compare(float[][] gradients, int offset = 0, ClipSettings? settings = null)
    {
        string[]? expected = null;
        foreach (string name in new[] { "reference", "cpu-1", "cpu-3" })
        {
            string[] actual = Everything(name, gradients, offset, settings ?? Exact);
            expected ??= actual;
            Assert.Equal(expected, actual);
        }
    }

    private static string[] Everything(string device, float[][] gradients, int offset, ClipSettings settings)
    {
        using TestDevice test = TestDevice.Open(device);
        using var run = new OptimizerRun(test.Device, gradients, offset);
        for (int i = 0; i < 2; i++)
        {
            run.Clip(settings);
            run.AdamWMeasured(0.01 * (i + 1), clipped: i > 0 || settings != Exact);
        }
        return [.. run.Everything().SelectMany(part => part.Values)];
    }

    private sealed class Digest : IFingerprint
    {
        public static string Fingerprint() =>
            string.Join(' ', Everything("cpu-2", [TestDevice.Normal(1, 9000), TestDevice.Normal(2, 257), [1e-40f, 1e30f]], 1, Exact));
    }
}
