using Andrea.Clipping;
using Andrea.Monitoring;
using Andrea.Optim;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Monitoring;

/// <summary>When records come, of which steps, and what becomes of a monitor's neighbours. What they say is for <see cref="MonitoredValueTests"/>.</summary>
public class GradientMonitorTests
{
    public static TheoryData<string> Devices => ["reference", "cpu-2", TestDevice.Emulator, TestDevice.Gpu];

    [Theory, MemberData(nameof(Devices))]
    public void TryTake_EveryStepDue_ComesOnceAndInOrder(string name)
    {
        using var loop = new Loop(name, new GradientMonitorOptions { Every = 3, UpdatesEvery = 4, FirstUpdates = 0 });
        var seen = new List<(long, bool)>();
        for (int step = 1; step <= 20; step++)
        {
            loop.Optimizer.Step(1e-3);
            while (loop.Monitor.TryTake(out GradientRecord? record))
                seen.Add((record.Step, record.HasUpdates));
        }
        Assert.Equal(20, loop.Monitor.Read().Step);
        while (loop.Monitor.TryTake(out GradientRecord? record))
            seen.Add((record.Step, record.HasUpdates));
        long[] steps = [1, 3, 4, 6, 8, 9, 12, 15, 16, 18, 20];
        Assert.Equal(steps.Select(step => (step, step == 1 || step % 4 == 0)), seen);
        Assert.Equal(20, loop.Monitor.Step);
    }

    [Fact]
    public void TryTake_OnAGpu_ComesAStepLateAndWithoutWaiting()
    {
        using var loop = new Loop(TestDevice.Emulator, new GradientMonitorOptions());
        loop.Optimizer.Step(1e-3);
        Assert.False(loop.Monitor.TryTake(out _));
        Assert.Null(loop.Monitor.Latest);
        loop.Test.Backend.Synchronize();
        loop.Optimizer.Step(1e-3);
        Assert.Equal(1, loop.Monitor.Latest!.Step);
        Assert.True(loop.Monitor.TryTake(out GradientRecord? record));
        Assert.Equal(1, record.Step);
        Assert.False(loop.Monitor.TryTake(out _));
        Assert.Equal(2, loop.Monitor.Read().Step);
        // The one that was taken is still as it was.
        Assert.Equal(1, record.Step);
    }

    [Theory, MemberData(nameof(Devices))]
    public void Records_NobodyTakes_AreTheNewestEight(string name)
    {
        using var loop = new Loop(name, new GradientMonitorOptions());
        for (int step = 1; step <= 30; step++)
            loop.Optimizer.Step(1e-3);
        Assert.Equal(30, loop.Monitor.Read().Step);
        for (int step = 23; step <= 30; step++)
        {
            Assert.True(loop.Monitor.TryTake(out GradientRecord? record));
            Assert.Equal(step, record.Step);
        }
        Assert.False(loop.Monitor.TryTake(out _));
        Assert.Equal(30, loop.Monitor.Latest!.Step);
    }

    [Theory, MemberData(nameof(Devices))]
    public void Clip_WithoutOptimizer_IsMonitored(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        using var gradients = new GradientSet([3f, 4f], [], [0f, float.NegativeInfinity, float.NaN]);
        using var clipper = new GradClipper(test.Device, gradients.On(test));
        using var monitor = new GradientMonitor(clipper);
        clipper.Clip();
        GradientRecord record = monitor.Read();
        Assert.Equal((1, true, false, 1.0), (record.Step, record.Skipped, record.HasUpdates, record.Coefficient));
        Assert.Equal([5, 0, double.NaN], record.Readings.ToArray().Select(reading => reading.Norm));
        Assert.Equal([4, 0, float.NaN], record.Readings.ToArray().Select(reading => reading.MaxMagnitude));
        Assert.Equal([(0L, -1L), (0, -1), (2, 1)], record.Readings.ToArray().Select(reading => (reading.NonFiniteCount, reading.FirstNonFinite)));
        Assert.False(record.Readings[0].HasUpdate);
        gradients.Values[2].AsSpan().Clear();
        gradients.Send();
        clipper.Clip();
        record = monitor.Read();
        Assert.Equal((2, false, 0.2), (record.Step, record.Skipped, record.Coefficient));
        Assert.Equal((5, 1), (record.Readings[0].Norm, record.Readings[0].NormAfter));
    }

    [Theory, MemberData(nameof(Devices))]
    public void ClipThenStep_OfAnOptimizerWithoutClipper_MeasuresTheUpdateOfTheClippedStep(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        using var gradients = new GradientSet([3f, 4f]);
        using var parameters = new GradientSet([3f, 4f]);
        ExternalTensors set = gradients.On(test);
        using var clipper = new GradClipper(test.Device, set);
        using var optimizer = new AdamW(test.Device, parameters.On(test), set);
        using var monitor = new GradientMonitor(clipper, optimizer, new GradientMonitorOptions { UpdatesEvery = 2, FirstUpdates = 0 });
        // Nothing was clipped, so no step is there that the update could belong to.
        optimizer.Step(0);
        Assert.False(monitor.TryTake(out _));
        for (int step = 1; step <= 4; step++)
        {
            clipper.Clip();
            optimizer.Step(1e-2);
            GradientRecord record = monitor.Read();
            Assert.Equal((step, step != 3), (record.Step, record.HasUpdates));
            Assert.Equal(step == 3, double.IsNaN(record.Readings[0].WeightNorm));
        }
        // A step that was read before its update, and one without: both come, with what they have.
        clipper.Clip();
        Assert.Equal((5, false), (monitor.Read().Step, monitor.Latest!.HasUpdates));
        clipper.Clip();
        Assert.Equal((6, false), (monitor.Read().Step, monitor.Latest!.HasUpdates));
        optimizer.Step(1e-2);
        Assert.Equal((6, false), (monitor.Read().Step, monitor.Latest!.HasUpdates));
        Assert.Throws<ArgumentOutOfRangeException>(() => monitor.Step = -1);
        monitor.Step = 99;
        clipper.Clip();
        clipper.Clip();
        Assert.Equal(101, monitor.Read().Step);
    }

    [Theory, MemberData(nameof(Devices))]
    public void Step_Skipped_HasAnUpdateOfZero(string name)
    {
        using var loop = new Loop(name, new GradientMonitorOptions { UpdatesEvery = 1 });
        loop.Gradients.Values[1][2] = float.NaN;
        loop.Gradients.Send();
        loop.Optimizer.Step(1e-2);
        GradientRecord record = loop.Monitor.Read();
        Assert.Equal((true, true, 1L), (record.Skipped, record.HasUpdates, record.Readings[1].NonFiniteCount));
        foreach (TensorReading reading in record.Readings)
        {
            Assert.Equal((0, 0), (reading.UpdateNorm, reading.UpdateRatio));
            Assert.True(reading.WeightNorm > 0 && reading.HasUpdate && double.IsNaN(reading.GradientRms));
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void Step_Monitored_LeavesTheBitsOfAStepThatIsNot(string name)
    {
        uint[][] bits = [.. new[] { GradientMonitorOptions.Off, new GradientMonitorOptions { UpdatesEvery = 2 } }.Select(options =>
        {
            using var loop = new Loop(name, options);
            for (int step = 0; step < 9; step++)
                loop.Optimizer.Step(1e-2);
            loop.Parameters.Fetch();
            return loop.Parameters.Bits;
        })];
        Assert.Equal(bits[0], bits[1]);
    }

    [Fact]
    public void Read_BeforeAnyStep_Throws()
    {
        using var loop = new Loop("cpu-1", new GradientMonitorOptions());
        Assert.Throws<InvalidOperationException>(() => loop.Monitor.Read());
    }

    [Fact]
    public void Off_RecordsNothing()
    {
        using var loop = new Loop("cpu-1", GradientMonitorOptions.Off);
        loop.Optimizer.Step(1e-3);
        Assert.False(loop.Monitor.TryTake(out _));
        Assert.Equal(1, loop.Monitor.Step);
    }

    [Theory]
    [InlineData("cpu-1", "monitor", "optimizer", "clipper")]
    [InlineData("cpu-1", "clipper", "optimizer", "monitor")]
    [InlineData(TestDevice.Emulator, "monitor", "optimizer", "clipper")]
    [InlineData(TestDevice.Emulator, "clipper", "optimizer", "monitor")]
    [InlineData(TestDevice.Emulator, "optimizer", "monitor", "clipper")]
    [InlineData(TestDevice.Emulator, "optimizer", "clipper", "monitor")]
    public void Dispose_InAnyOrder_GivesEverythingBack(string name, params string[] order)
    {
        // What is not given back fails when the device is disposed.
        using var loop = new Loop(name, new GradientMonitorOptions { UpdatesEvery = 1 });
        for (int step = 0; step < 4; step++)
            loop.Optimizer.Step(1e-3);
        foreach (string part in order)
            (part switch { "monitor" => (IDisposable)loop.Monitor, "optimizer" => loop.Optimizer, _ => loop.Clipper }).Dispose();
    }

    [Theory]
    [InlineData("cpu-1")]
    [InlineData(TestDevice.Emulator)]
    public void Dispose_TheMonitorAlone_LeavesLoopAndPlaceForAnother(string name)
    {
        using var loop = new Loop(name, new GradientMonitorOptions { UpdatesEvery = 1 });
        for (int step = 0; step < 3; step++)
            loop.Optimizer.Step(1e-3);
        var error = Assert.Throws<InvalidOperationException>(() => new GradientMonitor(loop.Clipper, loop.Optimizer));
        Assert.Contains("Another monitor", error.Message, StringComparison.Ordinal);
        loop.Monitor.Dispose();
        loop.Optimizer.Step(1e-3);
        using var second = new GradientMonitor(loop.Clipper, loop.Optimizer, new GradientMonitorOptions { UpdatesEvery = 1 }) { Step = 4 };
        // The first, disposed again, must not take the second's place.
        loop.Monitor.Dispose();
        for (int step = 0; step < 3; step++)
            loop.Optimizer.Step(1e-3);
        Assert.Equal((7, true), (second.Read().Step, second.Latest!.HasUpdates));
    }

    [Fact]
    public void Create_OverStrangers_IsRefused()
    {
        using TestDevice test = TestDevice.Open("cpu-1");
        using GradientSet gradients = new([1f]), others = new([1f]), parameters = new([1f]);
        using GradClipper clipper = new(test.Device, gradients.Tensors), second = new(test.Device, gradients.Tensors), foreign = new(test.Device, others.Tensors);
        using var optimizer = new AdamW(test.Device, parameters.Tensors, gradients.Tensors, clipper: clipper);
        Assert.Contains("another clipper", Assert.Throws<ArgumentException>(() => new GradientMonitor(second, optimizer)).Message, StringComparison.Ordinal);
        using var unclipped = new AdamW(test.Device, parameters.Tensors, gradients.Tensors);
        Assert.Contains("other gradients", Assert.Throws<ArgumentException>(() => new GradientMonitor(foreign, unclipped)).Message, StringComparison.Ordinal);
        // Nothing was left behind that would be asked.
        Assert.Null(second.Enqueued);
        Assert.Null(unclipped.WantsMeasuring);
        using Device cpu = Device.Cpu(1);
        using var elsewhere = new AdamW(cpu, parameters.Tensors, gradients.Tensors);
        Assert.Throws<DeviceMismatchException>(() => new GradientMonitor(second, elsewhere));
    }

    /// <summary>Parameters, gradients, and all that works on them.</summary>
    internal sealed class Loop : IDisposable
    {
        public Loop(string name, GradientMonitorOptions options)
        {
            Test = TestDevice.Open(name);
            Gradients = new GradientSet(TestDevice.Normal(1, 1000), TestDevice.Normal(2, 70_000), [1f]);
            Parameters = new GradientSet(TestDevice.Normal(3, 1000), TestDevice.Normal(4, 70_000), [2f]);
            ExternalTensors set = Gradients.On(Test);
            Clipper = new GradClipper(Test.Device, set);
            Optimizer = new AdamW(Test.Device, Parameters.On(Test), set, clipper: Clipper);
            Monitor = new GradientMonitor(Clipper, Optimizer, options);
        }

        public TestDevice Test { get; }

        public GradientSet Gradients { get; }

        public GradientSet Parameters { get; }

        public GradClipper Clipper { get; }

        public AdamW Optimizer { get; }

        public GradientMonitor Monitor { get; }

        public void Dispose()
        {
            Monitor.Dispose();
            Optimizer.Dispose();
            Clipper.Dispose();
            Gradients.Dispose();
            Parameters.Dispose();
            Test.Dispose();
        }
    }
}
