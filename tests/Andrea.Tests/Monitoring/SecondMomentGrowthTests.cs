using Andrea.Clipping;
using Andrea.Monitoring;
using Andrea.Optim;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Monitoring;

/// <summary>v_t / v_{t-1}, which no pass measures, against the moments themselves.</summary>
public class SecondMomentGrowthTests
{
    [Theory]
    [InlineData("cpu-1")]
    [InlineData("reference")]
    public void Growth_OfEveryStep_IsThatOfTheSummedMoments(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        using var layoutOwner = new Arenas(test.Device, 1000);
        using var clipper = new GradClipper(test.Device, layoutOwner.Gradients, new GradClipperOptions { MaxNorm = 0.5 });
        using var optimizer = new AdamW(test.Device, layoutOwner.Parameters, layoutOwner.Gradients, new AdamWOptions { Beta2 = 0.99 }, clipper);
        using var monitor = new GradientMonitor(clipper, optimizer, new GradientMonitorOptions { UpdatesEvery = 1 });
        var random = new Random(3);
        double before = 0;
        for (int step = 1; step <= 30; step++)
        {
            // From step 10 on far too small to feed v.
            layoutOwner.Gradients[0].CopyFrom([.. Enumerable.Range(0, 1000).Select(_ => (float)(random.NextDouble() - 0.5) * (step < 10 ? 1 : 1e-4f))]);
            optimizer.Step(1e-3);
            GradientRecord record = monitor.Read();
            double after = optimizer.SecondMoments[0].ToArray().Sum(v => (double)v);
            if (step == 1)
                Assert.True(record.SecondMomentGrowth(0) > 1e5);
            else
                Assert.InRange(record.SecondMomentGrowth(0) / (after / before), 1 - 1e-6, 1 + 1e-6);
            if (step >= 10)
                Assert.InRange(record.SecondMomentGrowth(0), 0.99 - 1e-12, 0.99 + 1e-6);
            before = after;
        }
    }

    [Fact]
    public void Growth_WhereNothingWasMeasured_IsNaN()
    {
        Assert.True(double.IsNaN(TestRecords.Gradients(1).SecondMomentGrowth(0)));
        GradientRecord record = TestRecords.Gradients(1, updates: true);
        (record.Beta2, record.Beta2Power) = (0.9, 0.81);
        // 1.5 = mean(vHat) / mean(g^2): of v_t a share of 0.1 / (1.5 * 0.19) is new.
        Assert.Equal(0.9 / (1 - 0.1 / (1.5 * 0.19)), record.SecondMomentGrowth(0), 12);
        GradientRecord copy = record.Copy();
        Assert.Equal(record.SecondMomentGrowth(0), copy.SecondMomentGrowth(0));
    }
}

/// <summary>One tensor and its gradient.</summary>
internal sealed class Arenas : IDisposable
{
    public Arenas(Device device, int length)
    {
        var layout = new ParameterLayout();
        layout.Add("w", new TensorShape(length));
        Parameters = new ParameterArena(device, layout);
        Gradients = new ParameterArena(device, layout);
    }

    public ParameterArena Parameters { get; }

    public ParameterArena Gradients { get; }

    public void Dispose()
    {
        Parameters.Dispose();
        Gradients.Dispose();
    }
}
