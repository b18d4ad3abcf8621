using Andrea.Clipping;
using Andrea.Monitoring;
using Andrea.Optim;
using Andrea.Tests.Support;

namespace Andrea.Tests.Monitoring;

/// <summary>lambda_grad on a loss whose Hessian is known: 0.5 x^T A x, A a random symmetric matrix.</summary>
public sealed class CurvatureProbeTests : IDisposable
{
    private const int Length = 40;

    private readonly TestDevice _test = TestDevice.Open("cpu-1");
    private readonly Arenas _arenas;
    private readonly double[,] _hessian = new double[Length, Length];

    public CurvatureProbeTests()
    {
        _arenas = new Arenas(_test.Device, Length);
        var random = new Random(7);
        for (int i = 0; i < Length; i++)
            for (int j = 0; j <= i; j++)
                _hessian[i, j] = _hessian[j, i] = random.NextDouble() - 0.5 + (i == j ? 4 : 0);
        _arenas.Parameters[0].CopyFrom([.. Enumerable.Range(0, Length).Select(_ => (float)(random.NextDouble() - 0.5))]);
    }

    [Theory]
    [InlineData(0.9, 0.999)]
    [InlineData(0, 0.9)]
    public void Curvature_OfAQuadratic_IsTheFormulaInDouble(double beta1, double beta2)
    {
        var options = new AdamWOptions { Beta1 = beta1, Beta2 = beta2, Epsilon = 1e-3, WeightDecay = 0 };
        using var optimizer = new AdamW(_test.Device, _arenas.Parameters, _arenas.Gradients, options);
        var probe = new CurvatureProbe(_arenas.Parameters, _arenas.Gradients, optimizer);
        double[] v = new double[Length];
        for (int step = 1; step <= 5; step++)
        {
            Differentiate();
            double[] g = Doubles(_arenas.Gradients[0].ToArray());
            probe.Begin(Differentiate);
            optimizer.Step(0.01);
            CurvatureRecord record = probe.Complete(step, 0.01);
            double sum = 0;
            for (int i = 0; i < Length; i++)
            {
                v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
                double product = 0;
                for (int j = 0; j < Length; j++)
                    product += _hessian[i, j] * g[j];
                sum += g[i] * product / (Math.Sqrt(v[i] / (1 - Math.Pow(beta2, step))) + 1e-3);
            }
            double expected = (1 - beta1) / ((1 + beta1) * (1 - Math.Pow(beta1, step))) * sum / g.Sum(x => x * x);
            Assert.InRange(record.Curvature / expected, 1 - 2e-4, 1 + 2e-4);
            Assert.Equal((step, 200.0), (record.Step, record.StabilityLimit));
        }
    }

    [Fact]
    public void Begin_PutsParametersAndGradientsBackBitForBit()
    {
        using var optimizer = new AdamW(_test.Device, _arenas.Parameters, _arenas.Gradients);
        var probe = new CurvatureProbe(_arenas.Parameters, _arenas.Gradients, optimizer);
        Differentiate();
        uint[] before = Bits();
        int calls = 0;
        probe.Begin(() =>
        {
            calls++;
            Assert.All(_arenas.Gradients[0].ToArray(), value => Assert.Equal(0, value));
            Differentiate();
        });
        Assert.Equal(2, calls);
        Assert.Equal(before, Bits());
        Assert.Throws<InvalidOperationException>(() => probe.Begin(() => throw new InvalidOperationException("no gradient")));
        Assert.Equal(before, Bits());
    }

    [Fact]
    public void Announces_OnceARowIsLongEnough()
    {
        using var optimizer = new AdamW(_test.Device, _arenas.Parameters, _arenas.Gradients);
        var probe = new CurvatureProbe(_arenas.Parameters, _arenas.Gradients, optimizer, new CurvatureOptions { Sustained = 2 });
        // 2 / rate is 2e9, then 2e-9: the curvature lies between them.
        double[] rates = [1e-9, 1e9, 1e9, 1e9, 1e-9, 1e9, 1e9];
        var announced = new List<int>();
        for (int step = 0; step < rates.Length; step++)
        {
            Differentiate();
            probe.Begin(Differentiate);
            optimizer.Step(0);
            CurvatureRecord record = probe.Complete(step, rates[step]);
            Assert.Equal(record.Curvature / record.StabilityLimit, record.Instability);
            if (record.Announces)
                announced.Add(step);
        }
        Assert.Equal([2, 6], announced);
    }

    [Fact]
    public void Complete_OfASkippedOrFlatStep_IsNaNAndLeavesTheRowAlone()
    {
        using var clipper = new GradClipper(_test.Device, _arenas.Gradients);
        using var optimizer = new AdamW(_test.Device, _arenas.Parameters, _arenas.Gradients, clipper: clipper);
        var probe = new CurvatureProbe(_arenas.Parameters, _arenas.Gradients, optimizer);
        Assert.Throws<InvalidOperationException>(() => probe.Complete(1, 1));
        Assert.Equal(1, Measure(Differentiate).AboveInARow);
        Assert.Equal((double.NaN, 1), Told(Measure(() => _arenas.Gradients[0].CopyFrom([float.NaN]))));
        Assert.Equal((double.NaN, 1), Told(Measure(() => _arenas.Gradients[0].CopyFrom(new float[Length]))));
        Assert.Equal(2, Measure(Differentiate).AboveInARow);

        CurvatureRecord Measure(Action differentiate)
        {
            differentiate();
            probe.Begin(Differentiate);
            optimizer.Step(0);
            return probe.Complete(1, 1e9);
        }
        static (double, int) Told(CurvatureRecord record) => (record.Curvature, record.AboveInARow);
    }

    [Fact]
    public void Probe_OverForeignGradientsOrBadOptions_IsRefused()
    {
        using var optimizer = new AdamW(_test.Device, _arenas.Parameters, _arenas.Gradients);
        Assert.Throws<ArgumentException>(() => new CurvatureProbe(_arenas.Parameters, _arenas.Parameters, optimizer));
        foreach ((CurvatureOptions options, string expected) in ((CurvatureOptions, string)[])
            [(new() { Every = 0 }, "Every is 0"), (new() { RelativeStep = double.NaN }, "RelativeStep is NaN"), (new() { Sustained = 0 }, "Sustained is 0")])
        {
            var wrong = Assert.Throws<ArgumentOutOfRangeException>(() => new CurvatureProbe(_arenas.Parameters, _arenas.Gradients, optimizer, options));
            Assert.Contains(expected, wrong.Message, StringComparison.Ordinal);
        }
    }

    public void Dispose()
    {
        _arenas.Dispose();
        _test.Dispose();
    }

    private void Differentiate()
    {
        float[] x = _arenas.Parameters[0].ToArray();
        var gradient = new float[Length];
        for (int i = 0; i < Length; i++)
        {
            double sum = 0;
            for (int j = 0; j < Length; j++)
                sum += _hessian[i, j] * x[j];
            gradient[i] = (float)sum;
        }
        _arenas.Gradients[0].CopyFrom(gradient);
    }

    private uint[] Bits() =>
        [.. _arenas.Parameters[0].ToArray().Concat(_arenas.Gradients[0].ToArray()).Select(BitConverter.SingleToUInt32Bits)];

    private static double[] Doubles(float[] values) => [.. values.Select(value => (double)value)];
}
