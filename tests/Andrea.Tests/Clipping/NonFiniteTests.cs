using Andrea.Clipping;
using Andrea.Optim;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Clipping;

/// <summary>NaN and Inf at every place: found, named, and kept away from parameters and moments.</summary>
public class NonFiniteTests
{
    public static TheoryData<string, float, int> Places
    {
        get
        {
            var data = new TheoryData<string, float, int>();
            foreach (string device in new[] { "reference", "cpu-1", "cpu-3", TestDevice.Emulator, TestDevice.Gpu })
                foreach (float bad in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
                    foreach (int place in new[] { 0, 65_535, 65_536, 100_000, 140_000 })
                        data.Add(device, bad, place);
            return data;
        }
    }

    [Theory, MemberData(nameof(Places))]
    public void SkipStep_OneBadGradient_IsNamedAndLeavesEverythingBitIdentical(string device, float bad, int place)
    {
        using TestDevice test = TestDevice.Open(device);
        float[] gradients = TestDevice.Normal(1, 140_001);
        gradients[place] = bad;
        float[] parameters = TestDevice.Normal(2, gradients.Length);
        using var gradientSet = new GradientSet([1f, 2f], gradients);
        using var parameterSet = new GradientSet([1f, 2f], parameters);
        ExternalTensors sent = gradientSet.On(test);
        using var clipper = new GradClipper(test.Device, sent);
        using var optimizer = new AdamW(test.Device, parameterSet.On(test), sent, clipper: clipper);
        // Two good steps first, so that moments, powers and counter hold something that could be lost.
        gradientSet.Values[1][place] = 1;
        gradientSet.Send();
        optimizer.Step(1e-2);
        optimizer.Step(1e-2);
        gradientSet.Values[1][place] = bad;
        gradientSet.Send();
        parameterSet.Fetch();
        uint[] gradientBits = gradientSet.Bits, parameterBits = parameterSet.Bits;
        OptimizerProgress progress = optimizer.ReadProgress();
        float[] moments = [.. optimizer.FirstMoments.Flat.ToArray(), .. optimizer.SecondMoments.Flat.ToArray()];
        Assert.Contains(moments, value => value != 0);

        optimizer.Step(1e-3);
        clipper.Clip();
        gradientSet.Fetch();
        parameterSet.Fetch();

        ClipResult result = clipper.Read();
        Assert.Equal(SkipReason.NonFiniteGradients, result.SkipReason);
        Assert.Equal(("t1", (long)place, 1L), (result.FirstBadTensor, result.FirstBadIndex, result.NonFiniteCount));
        Assert.Equal(2, result.ConsecutiveSkips);
        Assert.Equal(float.IsNaN(bad) ? double.NaN : double.PositiveInfinity, result.NormBefore);
        Assert.Equal(float.IsNaN(bad) ? double.NaN : double.PositiveInfinity, result.MaxMagnitude);
        Assert.Equal(gradientBits, gradientSet.Bits);
        Assert.Equal(parameterBits, parameterSet.Bits);
        Assert.Equal(2, progress.Step);
        Assert.Equal(progress, optimizer.ReadProgress());
        float[] after = [.. optimizer.FirstMoments.Flat.ToArray(), .. optimizer.SecondMoments.Flat.ToArray()];
        Assert.Equal(moments.Select(BitConverter.SingleToUInt32Bits), after.Select(BitConverter.SingleToUInt32Bits));
    }

    [Fact]
    public void SkipStep_GoodStepAfterwards_IsAppliedAndCounted()
    {
        using Device device = Device.Cpu(2);
        using var gradients = new GradientSet([float.NaN, 1]);
        using var parameters = new GradientSet([1f, 1f]);
        using var clipper = new GradClipper(device, gradients.Tensors);
        using var optimizer = new AdamW(device, parameters.Tensors, gradients.Tensors, clipper: clipper);
        optimizer.Step(0.1);
        gradients.Values[0][0] = 1;
        optimizer.Step(0.1);
        Assert.Equal(1, optimizer.ReadProgress().Step);
        Assert.Equal(0, clipper.Latest.ConsecutiveSkips);
        Assert.Equal(1, clipper.Latest.SkippedCalls);
        // The first applied step of Adam moves every parameter by the learning rate.
        Assert.All(parameters.Values[0], value => Assert.Equal(0.9f, value, 1e-5f));
    }

    [Theory]
    [InlineData("reference")]
    [InlineData("cpu-2")]
    [InlineData(TestDevice.Emulator)]
    [InlineData(TestDevice.Gpu)]
    public void Propagate_NaN_MakesEveryGradientNaN(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        using var set = new GradientSet([1, float.NaN, 2]);
        using var clipper = new GradClipper(test.Device, set.On(test), new GradClipperOptions { NonFinite = NonFinitePolicy.Propagate });
        clipper.Clip();
        set.Fetch();
        Assert.All(set.Values[0], value => Assert.True(float.IsNaN(value)));
        Assert.Equal(SkipReason.None, clipper.Read().SkipReason);
    }

    [Theory]
    [InlineData("reference")]
    [InlineData("cpu-2")]
    [InlineData(TestDevice.Emulator)]
    [InlineData(TestDevice.Gpu)]
    public void Propagate_Infinity_BecomesNaNAndTheRestZero(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        using var set = new GradientSet([1, float.PositiveInfinity, 2]);
        using var clipper = new GradClipper(test.Device, set.On(test), new GradClipperOptions { NonFinite = NonFinitePolicy.Propagate });
        clipper.Clip();
        set.Fetch();
        Assert.Equal([0f, float.NaN, 0f], set.Values[0]);
    }

    [Fact]
    public void Throw_BadGradient_NamesTensorAndIndexAndTouchesNothing()
    {
        using Device device = Device.Cpu(1);
        using var gradients = new GradientSet([1f], [1, 2, float.NegativeInfinity]);
        using var parameters = new GradientSet([1f], [1, 2, 3]);
        uint[] before = parameters.Bits;
        using var clipper = new GradClipper(device, gradients.Tensors, new GradClipperOptions { NonFinite = NonFinitePolicy.Throw });
        using var optimizer = new AdamW(device, parameters.Tensors, gradients.Tensors, clipper: clipper);
        var exception = Assert.Throws<NonFiniteGradientException>(() => optimizer.Step(1));
        Assert.Contains("'t1' at index 2", exception.Message, StringComparison.Ordinal);
        Assert.Equal(before, parameters.Bits);
    }

    [Fact]
    public void SkipStep_TooManyInARow_Throws()
    {
        using Device device = Device.Cpu(1);
        using var gradients = new GradientSet([float.NaN]);
        using var clipper = new GradClipper(device, gradients.Tensors, new GradClipperOptions { MaxConsecutiveSkips = 3 });
        clipper.Clip();
        clipper.Clip();
        var exception = Assert.Throws<NonFiniteGradientException>(clipper.Clip);
        Assert.Equal(3, exception.Result.ConsecutiveSkips);
    }

    [Fact]
    public void FirstBad_SeveralTensors_IsTheFirstInOrder()
    {
        using Device device = Device.Cpu(3);
        using var gradients = new GradientSet([1f], [1, float.NaN, float.NaN], [float.NaN]);
        using var clipper = new GradClipper(device, gradients.Tensors);
        clipper.Clip();
        Assert.Equal(("t1", 1L, 3L), (clipper.Latest.FirstBadTensor, clipper.Latest.FirstBadIndex, clipper.Latest.NonFiniteCount));
    }

    [Theory]
    [InlineData(1, 1, "1 gradient is not finite at clip 4, the first in tensor 'w' at index 5 (1 skipped step). Stop.")]
    [InlineData(2, 3, "2 gradients are not finite at clip 4, the first in tensor 'w' at index 5 (3 skipped steps in a row). Stop.")]
    public void Message_OfOneOrMany_IsASentence(int count, int skips, string expected)
    {
        ClipResult result = default(ClipResult) with { Call = 4, NonFiniteCount = count, ConsecutiveSkips = skips, FirstBadTensor = "w", FirstBadIndex = 5 };
        Assert.Equal(expected, new NonFiniteGradientException(result, "Stop.").Message);
    }

    [Fact]
    public void Result_OfNoClip_HasClippedNothing() =>
        Assert.Equal((false, false, -1L), (default(ClipResult).Clipped, default(ClipResult).Skipped, default(ClipResult).FirstBadIndex));
}
