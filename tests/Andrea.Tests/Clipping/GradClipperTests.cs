using Andrea.Clipping;
using Andrea.Tests.Support;

namespace Andrea.Tests.Clipping;

/// <summary>What DESIGN.md promises of a clip, on every backend.</summary>
public class GradClipperTests
{
    public static TheoryData<string> Devices => ["reference", "cpu-1", "cpu-2", TestDevice.Emulator, TestDevice.Gpu];

    [Theory, MemberData(nameof(Devices))]
    public void Clip_345AtMax5_LeavesEveryBitUnchanged(string device)
    {
        using var set = new GradientSet([3, 0], [-4]);
        uint[] before = set.Bits;
        ClipResult result = Clip(device, set, 5);
        Assert.Equal(5.0, result.NormBefore);
        Assert.Equal(5.0, result.NormAfter);
        Assert.Equal(1.0, result.Coefficient);
        Assert.False(result.Clipped);
        Assert.Equal(before, set.Bits);
    }

    [Theory, MemberData(nameof(Devices))]
    public void Clip_345AtMax1_ScalesToNorm1(string device)
    {
        using var set = new GradientSet([3, 0], [-4]);
        ClipResult result = Clip(device, set, 1);
        Assert.Equal(5.0, result.NormBefore);
        Assert.Equal(0.2, result.Coefficient);
        Assert.Equal(1.0, result.NormAfter);
        Assert.True(result.Clipped);
        Assert.Equal([0.6f, 0f, -0.8f], set.Values.SelectMany(v => v));
    }

    [Theory, MemberData(nameof(Devices))]
    public void Clip_NextFloatBelowTheNorm_Clips(string device)
    {
        using var set = new GradientSet([3, 4]);
        Assert.True(Clip(device, set, MathF.BitDecrement(5)).Clipped);
        Assert.True(set.Norm < 5);
    }

    [Theory, MemberData(nameof(Devices))]
    public void Clip_SeedLesson_Norm35GivesCoefficient02857(string device)
    {
        // 3.5 in one entry: the lesson's numbers.
        using var set = new GradientSet([0, 3.5f, 0]);
        ClipResult result = Clip(device, set, 1);
        Assert.Equal(0.2857, result.Coefficient, 4);
        Assert.Equal(1.0, set.Norm, 7);
        using var small = new GradientSet([0.4f]);
        Assert.False(Clip(device, small, 1).Clipped);
        Assert.Equal(0.4f, small.Values[0][0]);
    }

    [Theory, MemberData(nameof(Devices))]
    public void Clip_HugeValues_DoNotOverflow(string device)
    {
        using var set = new GradientSet(Enumerable.Repeat(1e20f, 100).ToArray());
        ClipResult result = Clip(device, set, 1);
        Assert.Equal(1e21, result.NormBefore, 1e21 * 1e-7);
        Assert.Equal(1.0, set.Norm, 7);
        using var largest = new GradientSet(Enumerable.Repeat(float.MaxValue, 70_000).ToArray());
        Assert.Equal(Math.Sqrt(70_000) * float.MaxValue, Clip(device, largest, double.PositiveInfinity).NormBefore, 1e35);
    }

    [Theory, MemberData(nameof(Devices))]
    public void Clip_Denormals_AreMeasuredAndKept(string device)
    {
        using var set = new GradientSet([float.Epsilon, -float.Epsilon, float.Epsilon, float.Epsilon]);
        uint[] before = set.Bits;
        ClipResult result = Clip(device, set, 1);
        Assert.Equal(2 * (double)float.Epsilon, result.NormBefore);
        Assert.Equal((double)float.Epsilon, result.MaxMagnitude);
        Assert.Equal(before, set.Bits);
    }

    [Theory, MemberData(nameof(Devices))]
    public void Clip_EmptySetAndEmptyTensor_HaveNorm0(string device)
    {
        using var none = new GradientSet();
        ClipResult result = Clip(device, none, 1);
        Assert.Equal((0.0, 1.0, 0.0), (result.NormBefore, result.Coefficient, result.MaxMagnitude));
        using var withEmpty = new GradientSet([], [3, 4], []);
        using TestDevice test = TestDevice.Open(device);
        using var clipper = new GradClipper(test.Device, withEmpty.On(test), new GradClipperOptions { MaxNorm = 1 });
        clipper.Clip();
        var norms = new double[3];
        clipper.ReadTensorNorms(norms);
        Assert.Equal([0.0, 5.0, 0.0], norms);
    }

    [Theory, MemberData(nameof(Devices))]
    public void Clip_AllZero_LeavesZeros(string device)
    {
        using var set = new GradientSet(new float[1000]);
        ClipResult result = Clip(device, set, 0);
        Assert.Equal(0.0, result.NormBefore);
        Assert.False(result.Clipped);
        Assert.All(set.Values[0], value => Assert.Equal(0f, value));
    }

    [Theory, MemberData(nameof(Devices))]
    public void Clip_Max0_MakesEveryGradient0(string device)
    {
        using var set = new GradientSet(TestDevice.Normal(1, 300));
        Clip(device, set, 0);
        Assert.All(set.Values[0], value => Assert.Equal(0f, MathF.Abs(value)));
    }

    [Theory]
    [InlineData(-1.0)]
    [InlineData(double.NaN)]
    [InlineData(double.NegativeInfinity)]
    public void Create_ImpossibleMax_ThrowsAndNamesTheValue(double max)
    {
        using var set = new GradientSet([1f]);
        using Device device = Device.Cpu(1);
        var exception = Assert.Throws<ArgumentOutOfRangeException>(() => new GradClipper(device, set.Tensors, new GradClipperOptions { MaxNorm = max }));
        Assert.Equal(max, exception.ActualValue);
    }

    [Theory, MemberData(nameof(Devices))]
    public void Clip_MaxInfinity_OnlyMeasures(string device)
    {
        using var set = new GradientSet([1e30f, 1e30f]);
        uint[] before = set.Bits;
        Assert.False(Clip(device, set, double.PositiveInfinity).Clipped);
        Assert.Equal(before, set.Bits);
    }

    [Theory, MemberData(nameof(Devices))]
    public void Clip_Twice_IsClipOnceBitForBit(string device)
    {
        using TestDevice test = TestDevice.Open(device);
        for (ulong seed = 0; seed < 300; seed++)
        {
            double max = 0.1 + seed % 7;
            using var set = new GradientSet(TestDevice.Normal(seed, 1 + (long)(seed % 40), 3), TestDevice.Normal(seed + 1000, 1 + (long)(seed % 5), 1e3));
            using var clipper = new GradClipper(test.Device, set.On(test), new GradClipperOptions { MaxNorm = max });
            clipper.Clip();
            set.Fetch();
            uint[] once = set.Bits;
            clipper.Clip();
            set.Fetch();
            Assert.False(clipper.Read().Clipped, $"seed {seed}: norm {clipper.Read().NormBefore:r} was clipped again at {max}");
            Assert.Equal(once, set.Bits);
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void Clip_ScaledGradients_GiveTheSameDirection(string device)
    {
        float[] values = TestDevice.Normal(3, 2000, 5);
        using var set = new GradientSet(values);
        using var eightfold = new GradientSet(values.Select(value => value * 8).ToArray());
        Clip(device, set, 1);
        Clip(device, eightfold, 1);
        Tolerance.Elementwise.AssertClose("direction", set.Values[0], eightfold.Values[0]);
        Assert.Equal(1.0, set.Norm, 7);
    }

    [Theory, MemberData(nameof(Devices))]
    public void Clip_TorchFormula_AlwaysUsesTheEpsilon(string device)
    {
        using var set = new GradientSet([3, 4]);
        ClipResult result = Clip(device, set, 5, new GradClipperOptions { MaxNorm = 5, Formula = ClipFormula.Torch });
        // PyTorch divides a number by a tensor as the number times the tensor's reciprocal, rounded twice.
        Assert.Equal((double)(5f * (1f / (5f + 1e-6f))), result.Coefficient);
        using var below = new GradientSet([0.3f, 0.4f]);
        uint[] before = below.Bits;
        Assert.Equal(1.0, Clip(device, below, 1, new GradClipperOptions { MaxNorm = 1, Formula = ClipFormula.Torch }).Coefficient);
        Assert.Equal(before, below.Bits);
    }

    [Fact]
    public void ClipOnce_Arrays_AreClippedInPlace()
    {
        float[] a = [3], b = [4];
        ClipResult result = GradClipper.ClipOnce(1, a, b);
        Assert.Equal(5.0, result.NormBefore);
        Assert.Equal((0.6f, 0.8f), (a[0], b[0]));
    }

    [Fact]
    public void Read_BeforeAnyClip_SaysSo()
    {
        using var set = new GradientSet([1f]);
        using Device device = Device.Cpu(1);
        using var clipper = new GradClipper(device, set.Tensors);
        var nothing = new ClipResult { Call = 0, NormBefore = 0, NormAfter = 0, Coefficient = 1, MaxMagnitude = 0, ClippedCalls = 0, SkippedCalls = 0 };
        Assert.Equal((nothing, -1), (clipper.Latest, clipper.Latest.FirstBadIndex));
        Assert.Throws<InvalidOperationException>(() => clipper.Read());
    }

    [Fact]
    public void Clip_ManyTimesWithoutReading_KeepsTheNewestResult()
    {
        using var set = new GradientSet([3, 4]);
        using Device device = Device.Cpu(1);
        using var clipper = new GradClipper(device, set.Tensors, new GradClipperOptions { MaxNorm = 100 });
        for (int i = 1; i <= 50; i++)
        {
            clipper.Clip();
            Assert.Equal(i, clipper.Latest.Call);
        }
    }

    private static ClipResult Clip(string device, GradientSet set, double max, GradClipperOptions? options = null)
    {
        using TestDevice test = TestDevice.Open(device);
        using var clipper = new GradClipper(test.Device, set.On(test), options ?? new GradClipperOptions { MaxNorm = max });
        clipper.Clip();
        set.Fetch();
        return clipper.Read();
    }
}
