using System.Runtime.InteropServices;
using Andrea.Backends;
using Andrea.Clipping;
using Andrea.Numerics;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Clipping;

/// <summary>The spike guard's kernel: what it skips, what it keeps out of its windows, and the same bits on all backends.</summary>
public class SpikeJudgeTests
{
    private static readonly SpikeSettings Usual = new(Capacity: 32, Minimum: 8, LossThreshold: 6, NormThreshold: 10, LossShare: 0.02, NormShare: 0.1);

    public static TheoryData<string> Backends => ["reference", "cpu-2", TestDevice.Emulator, TestDevice.Gpu];

    [Fact]
    public void Judge_AnySeries_HasTheScoreOfTheFormula()
    {
        using var run = new Run("reference", Usual with { LossThreshold = double.MaxValue, NormThreshold = double.MaxValue });
        var losses = new List<double>();
        var norms = new List<double>();
        foreach ((double loss, double norm) in Series(1, 100))
        {
            run.Judge(loss, norm);
            Assert.Equal(losses.Count < 8 ? 0 : Expected([.. losses.TakeLast(32)], loss, 0.02), run.State.LossScore, 1e-9);
            Assert.Equal(norms.Count < 8 ? 0 : Expected([.. norms.TakeLast(32)], norm, 0.1), run.State.NormScore, 1e-9);
            losses.Add(loss);
            norms.Add(norm);
        }

        static double Expected(double[] window, double value, double share)
        {
            int half = window.Length / 2;
            double older = Median(window[..half]), newer = Median(window[^half..]);
            double olderAt = (half - 1) / 2.0, newerAt = window.Length - 1 - (half - 1) / 2.0;
            double Line(double x) => older + (newer - older) * (x - olderAt) / (newerAt - olderAt);
            double[] distances = [.. window.Select((other, i) => other - Line(i))];
            double deviation = Median([.. distances.Select(distance => Math.Abs(distance - Median(distances)))]);
            return (value - Math.Max(newer, Line(window.Length))) / Math.Max(1.4826 * deviation, share * Math.Abs(newer));
        }

        static double Median(double[] values)
        {
            double[] sorted = [.. values.Order()];
            return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
        }
    }

    [Fact]
    public void Judge_SpikesOnASlope_AreFoundByTheDeviationFromIt()
    {
        using var run = new Run("reference", Usual);
        var random = new Philox(3);
        // A whole unit down in every window: its plain deviation would hide what stands half a unit above the line.
        for (int step = 1; step <= 200; step++)
        {
            bool isSpike = step > 20 && step % 37 == 0;
            run.Judge(10 - 0.03 * step + 0.02 * random.NextNormal() + (isSpike ? 1.5 : 0), 1 + 0.02 * step);
            Assert.Equal(isSpike ? (int)SkipReason.LossSpike : 0, run.Clip.Skip);
        }
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public void Judge_SpikesNaNAndLevels_HasTheBitsOfTheReference(string device)
    {
        foreach (int capacity in (int[])[1, 2, 31, 32, 256])
        {
            SpikeSettings settings = Usual with { Capacity = capacity, Minimum = Math.Min(8, capacity) };
            using Run expected = new("reference", settings), actual = new(device, settings);
            int step = 0;
            foreach ((double loss, double norm) in Series(5, capacity == 256 ? 300 : 120))
            {
                double factor = step % 40 is > 20 and < 26 ? 9 : 1;
                double bad = (step++ % 29) switch { 7 => double.NaN, 8 => double.PositiveInfinity, _ => 0 };
                foreach (Run run in (Run[])[expected, actual])
                    run.Judge(loss * factor + bad, norm + (step % 5 == 0 ? bad : 0), nonFinite: double.IsNaN(norm + bad) ? 3 : 0);
                Assert.Equal(expected.Bytes, actual.Bytes);
            }
        }
    }

    [Theory]
    [InlineData("reference")]
    [InlineData("cpu-2")]
    [InlineData(TestDevice.Emulator)]
    public void Judge_NaNAtAnyStep_LeavesTheWindowsFinite(string device)
    {
        for (int bad = 0; bad < 12; bad++)
            foreach (double value in (double[])[double.NaN, double.PositiveInfinity, double.NegativeInfinity])
                foreach (bool isLoss in (bool[])[true, false])
                {
                    using var run = new Run(device, Usual);
                    for (int step = 0; step < 12; step++)
                    {
                        run.Judge(step == bad && isLoss ? value : 3 - 0.01 * step, step == bad && !isLoss ? value : 1 + 0.01 * step);
                        Assert.Equal(step == bad, run.Clip.Skip != 0);
                    }
                    Assert.Equal(11, run.State.Count);
                    Assert.All(run.Windows, window => Assert.True(double.IsFinite(window)));
                }
    }

    [Theory]
    [InlineData("reference")]
    [InlineData("cpu-2")]
    [InlineData(TestDevice.Emulator)]
    public void Judge_NaNInTheWindow_BeginsAnew(string device)
    {
        foreach (int place in (int[])[0, 9, 32, 41])
        {
            using var run = new Run(device, Usual);
            for (int step = 0; step < 10; step++)
                run.Judge(3, 1);
            double[] windows = run.Windows;
            windows[place] = double.NaN;
            run.Overwrite(windows);
            run.Judge(300, 1);
            Assert.Equal((0, 1), (run.Clip.Skip, run.State.Count));
        }
    }

    [Theory]
    [InlineData("reference")]
    [InlineData("cpu-1")]
    [InlineData(TestDevice.Emulator)]
    public void Judge_LossOfATextKnownByHeart_MustRiseByMoreThanAHair(string device)
    {
        using var run = new Run(device, Usual);
        for (int step = 0; step < 40; step++)
            run.Judge(1e-4 * (1 + step % 3), 1);
        // Twenty times the usual, but 6 scales of 0.005 nats make 0.03.
        run.Judge(0.02, 1);
        Assert.Equal(0, run.Clip.Skip);
        run.Judge(0.04, 1);
        Assert.Equal((int)SkipReason.LossSpike, run.Clip.Skip);
        Assert.InRange(run.State.LossScore, 7.9, 8);
    }

    [Fact]
    public void Judge_FallingLoss_NeverFlags()
    {
        using var run = new Run("cpu-1", Usual);
        for (int step = 0; step < 300; step++)
        {
            run.Judge(6 * Math.Exp(-step / 20.0), 1);
            Assert.Equal(0, run.Clip.Skip);
        }
    }

    [Theory]
    [InlineData("reference")]
    [InlineData("cpu-1")]
    [InlineData(TestDevice.Emulator)]
    public void Judge_NoGradients_LeavesTheWindowsAlone(string device)
    {
        using var run = new Run(device, Usual);
        for (int step = 0; step < 60; step++)
        {
            run.Judge(2, step is >= 20 and < 50 ? 0 : 1);
            Assert.Equal(0, run.Clip.Skip);
        }
        Assert.Equal(30, run.State.Count);
    }

    [Fact]
    public void Judge_StaysAbove_BecomesTheNewLevelAfterHalfAWindow()
    {
        using var run = new Run("cpu-1", Usual);
        for (int step = 0; step < 32; step++)
            run.Judge(2 + 0.001 * step, 1);
        for (int step = 0; step < 16; step++)
        {
            run.Judge(5, 1);
            Assert.Equal((int)SkipReason.LossSpike, run.Clip.Skip);
        }
        run.Judge(5, 1);
        Assert.Equal((0, 1), (run.Clip.Skip, run.State.Count));
        run.Judge(5, 1);
        Assert.Equal(0, run.Clip.Skip);
    }

    [Theory]
    [MemberData(nameof(Backends))]
    public void Judge_ASpike_CountsAsSkippedNotAsClippedAndLeavesTensorsUnscaled(string device)
    {
        using var run = new Run(device, Usual);
        for (int step = 0; step < 20; step++)
            run.Judge(2, 1);
        run.Judge(9, 4, coefficient: 0.25);
        Assert.Equal(((int)SkipReason.LossSpike, 1.0, 0L, 1L), (run.Clip.Skip, run.Clip.Coefficient, run.Clip.ClippedCalls, run.Clip.SkippedCalls));
        Assert.All(run.Tensors, tensor => Assert.Equal((1.0, tensor.Norm), (tensor.Coefficient, tensor.NormAfter)));
        run.Judge(2, 1, coefficient: 0.25);
        Assert.Equal((0, 0.25, 1L, 1L), (run.Clip.Skip, run.Clip.Coefficient, run.Clip.ClippedCalls, run.Clip.SkippedCalls));
    }

    private static IEnumerable<(double Loss, double Norm)> Series(ulong seed, int count)
    {
        var random = new Philox(seed);
        // Ties, too.
        for (int i = 0; i < count; i++)
            yield return (i % 3 == 0 ? 2.5 : 3 - 0.003 * i + 0.1 * random.NextNormal(), Math.Exp(0.3 * random.NextNormal()));
    }

    /// <summary>The guard's memory on some device, and a clip whose outcome is made up.</summary>
    private sealed class Run : IDisposable
    {
        private readonly TestDevice _device;
        private readonly SpikeSettings _settings;
        private readonly DeviceBuffer<double> _loss, _windows;
        private readonly DeviceBuffer<SpikeState> _state;
        private readonly DeviceBuffer<ClipState> _clip;
        private readonly DeviceBuffer<TensorNorm> _norms;

        public Run(string device, SpikeSettings settings)
        {
            _device = TestDevice.Open(device);
            _settings = settings;
            _loss = _device.Buffer<double>(1);
            _windows = _device.Buffer<double>(2 * settings.Capacity);
            _state = _device.Buffer<SpikeState>(1);
            _clip = _device.Buffer<ClipState>(1);
            _norms = _device.Buffer<TensorNorm>(300);
        }

        public SpikeState State => Read(_state)[0];

        public ClipState Clip => Read(_clip)[0];

        public TensorNorm[] Tensors => Read(_norms);

        public double[] Windows => Read(_windows);

        /// <summary>Everything that the kernel may write.</summary>
        public byte[] Bytes => [.. BytesOf(_windows), .. BytesOf(_state), .. BytesOf(_clip), .. BytesOf(_norms)];

        public void Overwrite(double[] windows) => _windows.CopyFrom(windows);

        public void Judge(double loss, double norm, double coefficient = 1, int nonFinite = 0)
        {
            ClipState before = Clip;
            before.Norm = norm;
            before.NonFiniteCount = nonFinite;
            before.Skip = nonFinite > 0 ? 1 : 0;
            before.Coefficient = coefficient;
            if (coefficient != 1)
                before.ClippedCalls++;
            _clip.CopyFrom([before]);
            var norms = new TensorNorm[300];
            Array.Fill(norms, new TensorNorm { Norm = norm, Coefficient = coefficient, NormAfter = coefficient * norm });
            _norms.CopyFrom(norms);
            _loss.CopyFrom([loss]);
            _device.Backend.JudgeSpike(_settings, _loss, _windows, _state, new ClipOutcome(_clip, _norms));
        }

        public void Dispose() => _device.Dispose();

        private static byte[] BytesOf<T>(DeviceBuffer<T> buffer)
            where T : unmanaged => MemoryMarshal.AsBytes(Read(buffer).AsSpan()).ToArray();

        private static T[] Read<T>(DeviceBuffer<T> buffer)
            where T : unmanaged
        {
            var values = new T[buffer.Length];
            buffer.CopyTo(values);
            return values;
        }
    }
}
