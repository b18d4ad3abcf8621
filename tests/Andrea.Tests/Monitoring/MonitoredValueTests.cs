using Andrea.Clipping;
using Andrea.Gpt;
using Andrea.Monitoring;
using Andrea.Optim;
using Andrea.Tests.Support;

namespace Andrea.Tests.Monitoring;

/// <summary>What a record says, beside plain loops in double over what the model holds.</summary>
public class MonitoredValueTests
{
    private static readonly GptConfig Config = new()
    {
        VocabularySize = 17,
        ContextLength = 8,
        ChannelCount = 16,
        HeadCount = 2,
        LayerCount = 2,
        TiedHead = true,
        Biases = true,
    };

    public static TheoryData<string, double, GradientGrouping> Cases
    {
        get
        {
            var cases = new TheoryData<string, double, GradientGrouping>();
            foreach (string name in new[] { "cpu-2", TestDevice.Emulator, TestDevice.Gpu })
                foreach (double maxNorm in new[] { 0.1, 1e6 })
                    foreach (GradientGrouping grouping in Enum.GetValues<GradientGrouping>())
                        cases.Add(name, maxNorm, grouping);
            return cases;
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void Record_OfASmallGpt_SaysWhatAPlainLoopSays(string name, double maxNorm, GradientGrouping grouping)
    {
        using TestDevice test = TestDevice.Open(name);
        using var model = new GptModel(test.Device, Config);
        model.Initialize(InitializationKind.Gpt2, seed: 3);
        using var pass = new GptPass(model, 2, 8);
        using var clipper = new GradClipper(test.Device, model.Gradients, new GradClipperOptions { MaxNorm = maxNorm });
        using var optimizer = new AdamW(test.Device, model.Parameters, model.Gradients, clipper: clipper);
        using var monitor = new GradientMonitor(clipper, optimizer, new GradientMonitorOptions { UpdatesEvery = 1, Grouping = grouping });
        for (int step = 1; step <= 10; step++)
        {
            int[] tokens = [.. Enumerable.Range(0, 16).Select(i => (i * step + i * i) % 17)];
            model.ZeroGradients();
            pass.ForwardBackward(tokens, [.. tokens.Select(token => (token * 3 + 1) % 17)]);
            float[][] before = Values(model.Parameters), gradients = Values(model.Gradients);
            optimizer.Step(1e-2);
            GradientRecord record = monitor.Read();
            Assert.Equal((step, true, false), (record.Step, record.HasUpdates, record.Skipped));
            Assert.Equal(clipper.Read().Coefficient, record.Coefficient);
            Assert.Equal(maxNorm < 1, record.Coefficient < 1);
            float[][] after = Values(model.Parameters), moments = Values(optimizer.SecondMoments);
            double correction = 1 / (1 - Math.Pow(0.999, step));
            foreach ((MonitoredTensor series, TensorReading reading) in record.Tensors.Zip(record.Readings.ToArray()))
            {
                int[] members = [.. Enumerable.Range(0, model.Layout.Count).Where(i => IsPartOf(model.Layout.NameOf(i), series.Name))];
                Expect(
                    reading, record.Coefficient, Joined(before, members), Joined(after, members), Joined(gradients, members),
                    [.. Joined(moments, members).Select(v => v * correction)]);
                Assert.Equal(members.Sum(i => model.Layout.ShapeOf(i).Length), series.Length);
            }
        }
        Assert.Equal(grouping == GradientGrouping.Block ? 6 : model.Layout.Count, monitor.Tensors.Count);
    }

    [Fact]
    public void Block_WithNonFiniteElements_CountsThemAndFindsTheFirst()
    {
        using TestDevice test = TestDevice.Open("cpu-1");
        using var set = new Andrea.Tensors.ExternalTensors()
            .Add("h.0.a", new float[] { 1, 2 }).Add("h.1.a", new[] { 3, float.PositiveInfinity })
            .Add("h.0.b", new[] { 5, float.NaN, float.NaN }).Add("h.1.b", new float[] { -4 });
        using var clipper = new GradClipper(test.Device, set);
        using var monitor = new GradientMonitor(clipper, options: new GradientMonitorOptions { Grouping = GradientGrouping.Block });
        clipper.Measure();
        TensorReading[] readings = monitor.Read().Readings.ToArray();
        Assert.Equal([(2L, 3L, float.NaN), (1, 1, float.PositiveInfinity)], readings.Select(r => (r.NonFiniteCount, r.FirstNonFinite, r.MaxMagnitude)));
        Assert.Equal([double.NaN, double.PositiveInfinity], readings.Select(r => r.Norm));
    }

    [Fact]
    public void Example_OfTheDocumentation_ReadsTheNorm()
    {
        using Device device = Device.Cpu(1);
        using var parameters = new Andrea.Tensors.ExternalTensors().Add("w", new float[] { 1, 2 });
        using var gradients = new Andrea.Tensors.ExternalTensors().Add("w", new float[] { 3, 4 });
        using var clipper = new GradClipper(device, gradients);
        using var optimizer = new AdamW(device, parameters, gradients, clipper: clipper);
        using var monitor = new GradientMonitor(clipper, optimizer); // then, in the loop:
        optimizer.Step(learningRate: 3e-4);
        if (monitor.TryTake(out GradientRecord? record)) Console.WriteLine($"{record.Step}: {record.Readings[0].Norm}");
        Assert.Equal(5, record!.Readings[0].Norm);
    }

    private static bool IsPartOf(string tensor, string series) =>
        tensor == series || (series.StartsWith("h.", StringComparison.Ordinal) && tensor.StartsWith(series + ".", StringComparison.Ordinal));

    private static void Expect(TensorReading reading, double coefficient, double[] before, double[] after, double[] gradients, double[] moments)
    {
        double[] clipped = [.. gradients.Select(g => (double)(float)(g * coefficient))];
        Close(Norm(gradients), reading.Norm, 1e-12);
        Close(coefficient * Norm(gradients), reading.NormAfter, 1e-12);
        Assert.Equal(gradients.Max(Math.Abs), reading.MaxMagnitude);
        Assert.Equal((0, -1), (reading.NonFiniteCount, reading.FirstNonFinite));
        Close(Norm(before), reading.WeightNorm, 1e-12);
        Close(Norm([.. after.Zip(before, (a, b) => a - b)]), reading.UpdateNorm, 1e-12);
        Close(Math.Sqrt(clipped.Zip(moments, (g, v) => g * g / Math.Max(v, 1e-16)).Average()), reading.GradientRms, 1e-9);
        Close(moments.Average() / clipped.Average(g => g * g), reading.SecondMomentRatio, 1e-9);
    }

    private static void Close(double expected, double actual, double relative)
    {
        if (double.IsNaN(expected) || expected == 0)
            Assert.Equal(expected, actual);
        else
            Assert.InRange(actual / expected, 1 - relative, 1 + relative);
    }

    private static double Norm(double[] values) => Math.Sqrt(values.Sum(value => value * value));

    private static double[] Joined(float[][] tensors, int[] members) => [.. members.SelectMany(i => tensors[i]).Select(value => (double)value)];

    private static float[][] Values(Andrea.Tensors.ParameterArena arena) => [.. Enumerable.Range(0, arena.Count).Select(i => arena[i].ToArray())];
}
