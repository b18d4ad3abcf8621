using Andrea.Clipping;
using Andrea.Optim;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Optim;

public class StabilizerTests
{
    [Fact]
    public void UpdateRms_GradientsThatOutgrowTheirPast_DivideTheRateByTheirRms()
    {
        using var loop = new Loop(new UpdateRmsStabilizer(), length: 300, decay: 0.1);
        for (int step = 1; step <= 5; step++)
            loop.Step([0, .. TestDevice.Normal((ulong)step, 299)]);
        float[] before = loop.Values, m = loop.Optimizer.FirstMoments[0].ToArray(), v = loop.Optimizer.SecondMoments[0].ToArray();
        // An entry that never had a gradient counts as 0, not as 0 / 0.
        float[] spike = [0, .. TestDevice.Normal(6, 299, 50)];
        loop.Step(spike);
        double correction1 = 1 - Math.Pow(0.9, 6), correction2 = 1 - Math.Pow(0.999, 6), sum = 0;
        for (int i = 0; i < 300; i++)
            sum += (double)spike[i] * spike[i] / Math.Max(((0.999 * v[i]) + (0.001 * spike[i] * spike[i])) / correction2, 1e-16);
        double rms = Math.Sqrt(sum / 300), rate = Loop.Rate / rms;
        Assert.InRange(rms, 1.5, 3);
        for (int i = 0; i < 300; i++)
        {
            double moment = ((0.9 * m[i]) + (0.1 * spike[i])) / correction1, second = ((0.999 * v[i]) + (0.001 * spike[i] * spike[i])) / correction2;
            Assert.Equal((before[i] * (1 - (rate * 0.1))) - (rate * moment / (Math.Sqrt(second) + 1e-8)), loop.Values[i], 2e-6);
        }
    }

    [Fact]
    public void UpdateRms_GradientsAsEver_LeavesAdamWsBits()
    {
        using Loop stable = new(new UpdateRmsStabilizer(), 50), plain = new(null, 50);
        for (int step = 1; step <= 10; step++)
        {
            // Ever smaller, so the RMS is below 1.
            float[] gradients = TestDevice.Normal(1, 50, Math.Pow(0.8, step));
            stable.Step(gradients);
            plain.Step(gradients);
        }
        Assert.Equal(plain.Values, stable.Values);
    }

    [Fact]
    public void UpdateRms_AnEntryThatWasNeverSeen_CountsAsZero()
    {
        using Loop one = new(new UpdateRmsStabilizer(), length: 1), two = new(new UpdateRmsStabilizer(), length: 2);
        foreach (float gradient in (float[])[1, 1, 1, 1, 1, 100])
        {
            one.Step([gradient]);
            two.Step([gradient, 0]);
        }
        // The last step's ratio is g^2 / v with v about g^2 / 6: a rate divided by its root for one entry, by the root of its half for two.
        double ratio = 10_000 / ((0.999 * 0.004990009995 + 10) / (1 - Math.Pow(0.999, 6)));
        double moment = (0.9 * (1 - Math.Pow(0.9, 5)) + 10) / (1 - Math.Pow(0.9, 6)), update = Loop.Rate * moment / (100 / Math.Sqrt(ratio));
        Assert.Equal(-5 * Loop.Rate - (update / Math.Sqrt(ratio)), one.Values[0], 1e-5);
        Assert.Equal(-5 * Loop.Rate - (update / Math.Sqrt(ratio / 2)), two.Values[0], 1e-5);
        Assert.Equal(0, two.Values[1]);
    }

    [Fact]
    public void UpdateRms_SecondMomentsBelowEpsilonSquared_CountAsThat()
    {
        // The last step's RMS would be 2.4 by its own second moment of 1.4e-17, but is 0.9 by epsilon^2 = 1e-16.
        using Loop stable = new(new UpdateRmsStabilizer(), length: 3), plain = new(null, length: 3);
        foreach (float gradient in (float[])[1e-9f, 1e-9f, 1e-9f, 1e-9f, 1e-9f, 9e-9f])
        {
            stable.Step([gradient, gradient, gradient]);
            plain.Step([gradient, gradient, gradient]);
        }
        Assert.Equal(plain.Values, stable.Values);
    }

    [Fact]
    public void Spam_AnEntryThatWasNeverSeen_IsNotClippedToZero()
    {
        using var loop = new Loop(new SpamStabilizer { GraceSteps = 2 }, length: 2);
        for (int i = 0; i < 5; i++)
            loop.Step([1, 0]);
        loop.Step([1, 0.5f]);
        Assert.True(loop.Optimizer.SecondMoments[0].ToArray()[1] > 0);
        Assert.True(loop.Values[1] < 0);
    }

    [Fact]
    public void Spam_ASpike_EntersTheMomentsAsSeventyTimesTheirRoot()
    {
        using var loop = new Loop(new SpamStabilizer(), length: 1);
        for (int i = 0; i < 30; i++)
            loop.Step([1]);
        double v = loop.Optimizer.SecondMoments[0].ToArray()[0], m = loop.Optimizer.FirstMoments[0].ToArray()[0];
        loop.Step([float.NegativeInfinity]);
        Assert.Equal((0.9 * m) - (0.1 * Math.Sqrt(5000 * v)), loop.Optimizer.FirstMoments[0].ToArray()[0], 1e-5);
    }

    [Fact]
    public void Spam_InTheGraceAfterAReset_ClipsNothingAndBeginsAnew()
    {
        using var loop = new Loop(new SpamStabilizer { ResetEvery = 4, WarmupSteps = 2, GraceSteps = 2 }, length: 1);
        for (int i = 0; i < 3; i++)
            loop.Step([1]);
        loop.Step([1000]);
        Assert.Equal(100, loop.Optimizer.FirstMoments[0].ToArray()[0], 1e-4);
        Assert.Equal(1000, loop.Optimizer.SecondMoments[0].ToArray()[0], 1e-3);
    }

    [Fact]
    public void StableSpam_NonFiniteGradients_NeverReachItsAverages()
    {
        foreach (float bad in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
            for (int place = 0; place < 3; place++)
                for (int at = 0; at < 3; at++)
                {
                    using var loop = new Loop(new StableSpamStabilizer(), length: 3);
                    for (int step = 0; step < 4; step++)
                    {
                        float[] gradients = [1, -2, 3];
                        IReadOnlyList<double> before = loop.Optimizer.ReadProgress().Stabilizer;
                        if (step == at)
                            gradients[place] = bad;
                        loop.Step(gradients);
                        Assert.All(loop.Optimizer.ReadProgress().Stabilizer, value => Assert.True(double.IsFinite(value)));
                        if (step == at)
                            Assert.Equal(before, loop.Optimizer.ReadProgress().Stabilizer);
                    }
                }
    }

    [Fact]
    public void StableSpam_AnAbsentTensor_KeepsItsAverages()
    {
        using Device device = Device.Cpu(1);
        float[] a = [1, 2], b = [3, 4];
        using var parameters = new ExternalTensors().Add("a", new float[2]).Add("b", new float[2]);
        using var gradients = new ExternalTensors().Add("a", a).Add("b", b);
        using var clipper = new GradClipper(device, gradients);
        using var optimizer = new AdamW(device, parameters, gradients, new AdamWOptions { Stabilizer = new StableSpamStabilizer() }, clipper);
        optimizer.Step(0.1);
        double[] before = [.. optimizer.ReadProgress().Stabilizer];
        gradients.Move(1, 0);
        optimizer.Step(0.1);
        double[] after = [.. optimizer.ReadProgress().Stabilizer];
        Assert.Equal(before[6..], after[6..]);
        Assert.NotEqual(before[..6], after[..6]);
    }

    [Fact]
    public void StableSpam_WithoutClipper_IsRefused()
    {
        using Device device = Device.Cpu(1);
        using GradientSet parameters = new([1f]), gradients = new([1f]);
        var error = Assert.Throws<ArgumentException>(
            () => new AdamW(device, parameters.Tensors, gradients.Tensors, new AdamWOptions { Stabilizer = new StableSpamStabilizer() }));
        Assert.Contains("Pass a GradClipper", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RestoreProgress_OfOthers_IsRefusedAndChangesNothing()
    {
        using Loop loop = new(new StableSpamStabilizer(), length: 3), plain = new(null, length: 3);
        loop.Step([1, 2, 3]);
        OptimizerProgress state = loop.Optimizer.ReadProgress();
        Assert.Equal((1, 6), (state.Step, state.Stabilizer.Count));
        (OptimizerProgress State, string Expected)[] wrong =
        [
            (state with { Stabilizer = new double[5] }, "has 5 numbers; expected 6"),
            (state with { Stabilizer = [.. state.Stabilizer.Take(5), double.NaN] }, "holds NaN"),
            (state with { Stabilizer = [.. state.Stabilizer.Take(5), -1] }, "holds -1"),
            (state with { Step = -1 }, "-1 steps"),
            (state with { Step = (1L << 53) + 1 }, "9007199254740993 steps"),
            (state with { Beta1Power = 1.5 }, "powers 1.5 and"),
            (state with { Beta2Power = double.NaN }, "and NaN of the betas"),
        ];
        foreach ((OptimizerProgress other, string expected) in wrong)
        {
            // What is right in it, the step included, must not be taken either.
            OptimizerProgress later = other.Step != state.Step ? other : other with { Step = 9 };
            Assert.Contains(expected, Assert.ThrowsAny<ArgumentException>(() => loop.Optimizer.RestoreProgress(later)).Message, StringComparison.Ordinal);
            Assert.Equal(state, loop.Optimizer.ReadProgress());
        }
        loop.Optimizer.RestoreProgress(state with { Stabilizer = [] });
        Assert.Equal([0, 0, 0, 1, 1, 1], loop.Optimizer.ReadProgress().Stabilizer);
        Assert.Contains("expected 0", Assert.Throws<ArgumentException>(() => plain.Optimizer.RestoreProgress(state)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => plain.Optimizer.RestoreProgress(null!));
    }

    [Fact]
    public void RestoreProgress_OfAnEarlierStep_GoesOnWithTheSameBits()
    {
        using Loop straight = new(new StableSpamStabilizer(), length: 3), resumed = new(new StableSpamStabilizer(), length: 3);
        straight.Step([1, 2, 3]);
        OptimizerProgress state = straight.Optimizer.ReadProgress();
        resumed.Optimizer.RestoreProgress(state);
        Assert.Equal(state, resumed.Optimizer.ReadProgress());
        straight.Array.CopyTo(resumed.Array, 0);
        resumed.Optimizer.FirstMoments[0].CopyFrom(straight.Optimizer.FirstMoments[0].ToArray());
        resumed.Optimizer.SecondMoments[0].CopyFrom(straight.Optimizer.SecondMoments[0].ToArray());
        foreach (Loop loop in (Loop[])[straight, resumed])
            loop.Step([3, -50, 1]);
        Assert.Equal(straight.Array, resumed.Array);
        Assert.Equal(straight.Optimizer.ReadProgress(), resumed.Optimizer.ReadProgress());
    }

    [Fact]
    public void Options_OutOfRange_Throw()
    {
        Stabilizer[] wrong =
        [
            new SpamStabilizer { Threshold = 0 }, new SpamStabilizer { Threshold = double.NaN }, new SpamStabilizer { ResetEvery = -1 },
            new SpamStabilizer { WarmupSteps = 501 }, new SpamStabilizer { WarmupSteps = -1 }, new SpamStabilizer { GraceSteps = -1 },
            new StableSpamStabilizer { MaximumDecay = 1 }, new StableSpamStabilizer { NormDecay = -0.1 },
            new StableSpamStabilizer { SquaredNormDecay = double.NaN }, new StableSpamStabilizer { ResetEvery = -1 },
        ];
        Assert.All(wrong, stabilizer => Assert.Throws<ArgumentOutOfRangeException>(() => new Loop(stabilizer, 1)));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(4, 4)]
    [InlineData(5, 1)]
    [InlineData(9, 5)]
    [InlineData(10, 1)]
    public void ProgressAfter_Resets_CountsFromTheLast(long step, int corrected)
    {
        OptimizerProgress expected = OptimizerProgress.After(step, new AdamWOptions { Stabilizer = new StableSpamStabilizer { ResetEvery = 5 } });
        Assert.Equal(Math.Pow(0.9, corrected), expected.Beta1Power, 1e-12);
        using var loop = new Loop(new StableSpamStabilizer { ResetEvery = 5 }, length: 1);
        for (int i = 0; i < step; i++)
            loop.Step([1]);
        Assert.Equal(expected, loop.Optimizer.ReadProgress() with { Stabilizer = [] });
    }

    /// <summary>One tensor, on one thread.</summary>
    private sealed class Loop : IDisposable
    {
        public const double Rate = 0.01;

        private readonly Device _device = Device.Cpu(1);
        private readonly ExternalTensors _parameters, _gradients;
        private readonly float[] _gradient;
        private readonly GradClipper _clipper;

        public Loop(Stabilizer? stabilizer, int length, double decay = 0)
        {
            Array = new float[length];
            _gradient = new float[length];
            System.Array.Fill(Array, decay > 0 ? 1 : 0);
            _parameters = new ExternalTensors().Add("w", Array, new TensorShape(1, length));
            _gradients = new ExternalTensors().Add("w", _gradient);
            _clipper = new GradClipper(
                _device, _gradients, new GradClipperOptions { MaxNorm = double.PositiveInfinity, NonFinite = NonFinitePolicy.Propagate });
            Optimizer = new AdamW(_device, _parameters, _gradients, new AdamWOptions { WeightDecay = decay, Stabilizer = stabilizer }, _clipper);
        }

        public AdamW Optimizer { get; }

        public float[] Values => [.. Array];

        public float[] Array { get; }

        public void Step(float[] gradients)
        {
            gradients.CopyTo(_gradient, 0);
            Optimizer.Step(Rate);
        }

        public void Dispose()
        {
            Optimizer.Dispose();
            _clipper.Dispose();
            _parameters.Dispose();
            _gradients.Dispose();
            _device.Dispose();
        }
    }
}
