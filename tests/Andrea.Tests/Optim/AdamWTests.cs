using Andrea.Clipping;
using Andrea.Optim;
using Andrea.Tensors;
using Andrea.Tests.Cpu;
using Andrea.Tests.Support;

namespace Andrea.Tests.Optim;

public class AdamWTests
{
    [Theory]
    [InlineData("cpu-2")]
    [InlineData(TestDevice.Emulator)]
    [InlineData(TestDevice.Gpu)]
    public void Step_EveryLength0To257_HasTheReferenceBits(string device)
    {
        for (int length = 0; length <= 257; length++)
        {
            (uint[] parameters, uint[] moments) reference = ThreeSteps("reference", length, clip: length % 2 == 0);
            (uint[] parameters, uint[] moments) actual = ThreeSteps(device, length, clip: length % 2 == 0);
            Assert.Equal(reference.parameters, actual.parameters);
            Assert.Equal(reference.moments, actual.moments);
        }
    }

    [Fact]
    public void Step_SeveralChunks_HasTheSameBitsForAnyThreadCount()
    {
        (uint[] parameters, uint[] moments) expected = ThreeSteps("reference", 150_001, clip: true);
        foreach (int threads in new[] { 1, 2, 3, 7 })
        {
            (uint[] parameters, uint[] moments) actual = ThreeSteps($"cpu-{threads}", 150_001, clip: true);
            Assert.Equal(expected.parameters, actual.parameters);
            Assert.Equal(expected.moments, actual.moments);
        }
    }

    [Theory]
    [InlineData("reference")]
    [InlineData("cpu-2")]
    [InlineData(TestDevice.Emulator)]
    [InlineData(TestDevice.Gpu)]
    public void Step_FoldedClip_EqualsClipThenStep(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        float[] parameters = TestDevice.Normal(1, 1000), gradients = TestDevice.Normal(2, 1000);
        using var foldedParameters = new GradientSet(parameters);
        using var foldedGradients = new GradientSet(gradients);
        using var plainParameters = new GradientSet(parameters);
        using var plainGradients = new GradientSet(gradients);
        ExternalTensors foldedSet = foldedGradients.On(test), plainSet = plainGradients.On(test);
        using var foldedClipper = new GradClipper(test.Device, foldedSet, new GradClipperOptions { MaxNorm = 1 });
        using var folded = new AdamW(test.Device, foldedParameters.On(test), foldedSet, clipper: foldedClipper);
        using var clipper = new GradClipper(test.Device, plainSet, new GradClipperOptions { MaxNorm = 1 });
        using var plain = new AdamW(test.Device, plainParameters.On(test), plainSet);
        uint[] untouched = foldedGradients.Bits;
        for (int step = 0; step < 5; step++)
        {
            folded.Step(1e-2);
            Array.Copy(gradients, plainGradients.Values[0], gradients.Length);
            plainGradients.Send();
            clipper.Clip();
            plain.Step(1e-2);
        }
        plainParameters.Fetch();
        foldedParameters.Fetch();
        foldedGradients.Fetch();
        Assert.Equal(plainParameters.Bits, foldedParameters.Bits);
        Assert.Equal(untouched, foldedGradients.Bits);
    }

    [Fact]
    public void SeedLesson_SpikeOf50Among05_Leaves35PercentOfItsMarkAfterTenSteps()
    {
        // (1 - b1) * 50 = 5.0 goes into m unclipped, 0.1 clipped to 1; after 10 steps 0.9^10 = 35% of it is left.
        (double unclippedMark, double unclippedRest) = SpikeInFirstMoment(clip: false);
        (double clippedMark, double clippedRest) = SpikeInFirstMoment(clip: true);
        Assert.Equal(5.0, unclippedMark, 5);
        Assert.Equal(0.1, clippedMark, 5);
        Assert.Equal(0.35, unclippedRest / unclippedMark, 2);
        Assert.Equal(0.35, clippedRest / clippedMark, 2);
    }

    [Fact]
    public void SeedLesson_FirstUpdateWithWarmupAndClip_IsBoundedBy15e7()
    {
        var schedule = new LearningRateSchedule { PeakRate = 3e-4, WarmupSteps = 2000, TotalSteps = 200_000 };
        Assert.Equal(1.5e-7, schedule.At(0), 12);
        // Worst case of the lesson: the rate times the largest gradient that the clip lets through, against 0.0003 * 50 without either.
        ClipResult clip = GradClipper.ClipOnce(1, new float[] { 50 });
        Assert.Equal(1.5e-7, schedule.At(0) * clip.NormAfter, 12);
        Assert.Equal(100_000, 3e-4 * 50 / (schedule.At(0) * clip.NormAfter), 0.5);
        // And what AdamW really does: its normalised update is at most the rate.
        using Device device = Device.Cpu(1);
        using var parameters = new GradientSet([0f]);
        using var gradients = new GradientSet([50f]);
        using var clipper = new GradClipper(device, gradients.Tensors);
        using var optimizer = new AdamW(device, parameters.Tensors, gradients.Tensors, clipper: clipper);
        optimizer.Step(schedule.At(0));
        Assert.InRange(Math.Abs(parameters.Values[0][0]), 1.4e-7, 1.5e-7 * (1 + 1e-6));
    }

    [Fact]
    public void Step_WeightDecay_AppliesToMatricesOnlyUnlessAGroupSaysSo()
    {
        using Device device = Device.Cpu(1);
        float[] Ones() => [1f, 1f];
        float[] matrix = Ones(), vector = Ones(), special = Ones(), frozen = Ones();
        using var parameters = new ExternalTensors()
            .Add("w", matrix, new TensorShape(1, 2)).Add("b", vector).Add("h.0.special", special).Add("h.1.frozen", frozen, new TensorShape(2, 1));
        using var gradients = new ExternalTensors().Add("w", new float[2]).Add("b", new float[2]).Add("s", new float[2]).Add("f", new float[2]);
        var options = new AdamWOptions
        {
            WeightDecay = 0.5,
            Groups = [new ParameterGroup("h.*.special", WeightDecay: 0.25), new ParameterGroup("h.*", LearningRateScale: 0)],
        };
        using var optimizer = new AdamW(device, parameters, gradients, options);
        optimizer.Step(0.1);
        Assert.Equal((0.95f, 1f, 0.975f, 1f), (matrix[0], vector[0], special[0], frozen[0]));
    }

    [Fact]
    public void Step_GradientsOfAnotherSize_AreRefusedWithBothSizes()
    {
        using Device device = Device.Cpu(1);
        using var parameters = new GradientSet([1f, 2f]);
        using var gradients = new GradientSet([1f]);
        var exception = Assert.Throws<ArgumentException>(() => new AdamW(device, parameters.Tensors, gradients.Tensors));
        Assert.Contains("2 elements", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-1e-3)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(3.5e38)]
    public void Step_ImpossibleLearningRate_Throws(double rate)
    {
        using Device device = Device.Cpu(1);
        using var parameters = new GradientSet([1f]);
        using var gradients = new GradientSet([1f]);
        using var optimizer = new AdamW(device, parameters.Tensors, gradients.Tensors);
        Assert.Throws<ArgumentOutOfRangeException>(() => optimizer.Step(rate));
    }

    [Fact]
    public void Options_OutOfRange_Throw()
    {
        using Device device = Device.Cpu(1);
        using var set = new GradientSet([1f]);
        foreach (AdamWOptions options in new AdamWOptions[]
        {
            new() { Beta1 = 1 }, new() { Beta2 = -0.1 }, new() { Beta1 = double.NaN }, new() { Epsilon = 0 }, new() { WeightDecay = -1 },
            new() { Groups = [new ParameterGroup("*", LearningRateScale: double.NaN)] },
        })
            Assert.Throws<ArgumentOutOfRangeException>(() => new AdamW(device, set.Tensors, set.Tensors, options));
    }

    [Fact]
    public void Step_AfterItsMemoryWasDisposed_ThrowsInsteadOfWriting()
    {
        using Device device = Device.Cpu(1);
        var layout = new ParameterLayout();
        layout.Add("w", new TensorShape(100_000));
        var parameters = new ParameterArena(device, layout);
        using var gradients = new ParameterArena(device, layout);
        using var clipper = new GradClipper(device, gradients);
        using var optimizer = new AdamW(device, parameters, gradients, clipper: clipper);
        parameters.Dispose();
        Assert.Throws<ObjectDisposedException>(() => optimizer.Step(1));
        gradients.Dispose();
        Assert.Throws<ObjectDisposedException>(clipper.Clip);
        var borrowed = new ExternalTensors().Add("g", new float[10]);
        using var borrowedClipper = new GradClipper(device, borrowed);
        borrowed.Dispose();
        Assert.Throws<ObjectDisposedException>(borrowedClipper.Clip);
    }

    [Fact]
    public unsafe void Create_ParametersOverlappingGradients_AreRefusedByName()
    {
        using Device device = Device.Cpu(1);
        using var memory = new GuardedMemory(1000, guardAfter: true);
        using var parameters = new ExternalTensors().Add("w", memory.Address, 100);
        using var gradients = new ExternalTensors().Add("dw", memory.Address + 200, 100);
        var error = Assert.Throws<ArgumentException>(() => new AdamW(device, parameters, gradients));
        Assert.Contains("The gradient 'dw' overlaps the parameter 'w' in memory.", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<ArgumentException>(() => new AdamW(device, parameters, parameters));
        Assert.Matches("(gradient 'w' overlaps the parameter|parameter 'w' overlaps the gradient) 'w'", error.Message);
        using var behind = new ExternalTensors().Add("dw", memory.Address + 400, 100);
        new AdamW(device, parameters, behind).Dispose();
    }

    [Fact]
    public void Create_ClipperOfOtherGradients_IsRefused()
    {
        using Device device = Device.Cpu(1);
        using var parameters = new GradientSet([1f]);
        using var gradients = new GradientSet([1f]);
        using var others = new GradientSet([1f]);
        using var clipper = new GradClipper(device, others.Tensors);
        Assert.Throws<ArgumentException>(() => new AdamW(device, parameters.Tensors, gradients.Tensors, clipper: clipper));
    }

    [Fact]
    public void StepAndClip_AllocateNothing()
    {
        using Device device = Device.Cpu(2);
        using var parameters = new GradientSet(TestDevice.Normal(1, 300_000));
        using var gradients = new GradientSet(TestDevice.Normal(2, 300_000));
        using var clipper = new GradClipper(device, gradients.Tensors);
        using var optimizer = new AdamW(device, parameters.Tensors, gradients.Tensors, clipper: clipper);
        for (int i = 0; i < 50; i++)
            optimizer.Step(1e-3);
        Allocations.AssertNone(() =>
        {
            optimizer.Step(1e-3);
            clipper.Clip();
        });
    }

    private static (uint[] Parameters, uint[] Moments) ThreeSteps(string name, int length, bool clip)
    {
        using TestDevice test = TestDevice.Open(name);
        using var parameters = new GradientSet(TestDevice.Normal(1, length), [1f]);
        using var gradients = new GradientSet(TestDevice.Normal(2, length, 0.1), [2f]);
        ExternalTensors set = gradients.On(test);
        using GradClipper? clipper = clip ? new GradClipper(test.Device, set, new GradClipperOptions { MaxNorm = 0.7 }) : null;
        using var optimizer = new AdamW(test.Device, parameters.On(test), set, clipper: clipper);
        for (int step = 0; step < 3; step++)
            optimizer.Step(1e-2 / (step + 1));
        parameters.Fetch();
        Assert.Equal(3, optimizer.ReadProgress().Step);
        float[] moments = [.. optimizer.FirstMoments[0].ToArray(), .. optimizer.SecondMoments[0].ToArray()];
        return (parameters.Bits, [.. moments.Select(BitConverter.SingleToUInt32Bits)]);
    }

    private static (double Mark, double Left) SpikeInFirstMoment(bool clip)
    {
        using Device device = Device.Cpu(1);
        using var parameters = new GradientSet([0f]);
        using var gradients = new GradientSet([50f]);
        using GradClipper? clipper = clip ? new GradClipper(device, gradients.Tensors, new GradClipperOptions { MaxNorm = 1 }) : null;
        using var optimizer = new AdamW(device, parameters.Tensors, gradients.Tensors, clipper: clipper);
        optimizer.Step(0);
        double mark = optimizer.FirstMoments[0].ToArray()[0];
        gradients.Values[0][0] = 0;
        for (int i = 0; i < 10; i++)
            optimizer.Step(0);
        return (mark, optimizer.FirstMoments[0].ToArray()[0]);
    }
}
