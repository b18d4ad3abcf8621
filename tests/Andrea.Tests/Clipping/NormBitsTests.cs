using Andrea.Clipping;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Clipping;

/// <summary>The norm has the same bits on every backend, for any number of threads, at any address.</summary>
public class NormBitsTests
{
    [Fact]
    public void Norm_EveryLength0To257_HasTheReferenceBits()
    {
        using TestDevice reference = TestDevice.Open("reference"), cpu = TestDevice.Open("cpu-2");
        for (int length = 0; length <= 257; length++)
        {
            float[] values = TestDevice.Normal((ulong)length, length);
            (long norm, double[] tensors) = Measure(reference, values);
            (long cpuNorm, double[] cpuTensors) = Measure(cpu, values);
            Assert.Equal(norm, cpuNorm);
            Assert.Equal(tensors, cpuTensors);
            Assert.Equal(Math.Sqrt(values.Sum(value => (double)value * value)), BitConverter.Int64BitsToDouble(norm), 1e-12);
        }
    }

    [Theory]
    [InlineData(8191)]
    [InlineData(8192)]
    [InlineData(8193)]
    [InlineData(65_535)]
    [InlineData(65_536)]
    [InlineData(65_537)]
    [InlineData(131_072)]
    [InlineData(200_003)]
    [InlineData(2_200_000)]
    public void Norm_AroundStripsAndChunks_HasTheSameBitsEverywhere(int length)
    {
        float[] values = TestDevice.Normal(7, length);
        using TestDevice reference = TestDevice.Open("reference");
        (long expected, double[] expectedTensors) = Measure(reference, values);
        foreach (int threads in new[] { 1, 2, 3, 7 })
        {
            using var cpu = new TestDevice(Device.Cpu(threads));
            for (int repeat = 0; repeat < 2; repeat++)
            {
                (long norm, double[] tensors) = Measure(cpu, values);
                Assert.Equal(expected, norm);
                Assert.Equal(expectedTensors, tensors);
            }
        }
    }

    [Fact]
    public void Norm_AtOddAddresses_HasTheSameBits()
    {
        float[] values = TestDevice.Normal(9, 10_000);
        using TestDevice cpu = TestDevice.Open("cpu-1");
        (long expected, _) = Measure(cpu, values);
        for (int offset = 1; offset < 20; offset++)
        {
            var moved = new float[values.Length + offset];
            values.CopyTo(moved, offset);
            using var set = new ExternalTensors().Add("g", moved.AsMemory(offset));
            using var clipper = new GradClipper(cpu.Device, set, new GradClipperOptions { MaxNorm = double.PositiveInfinity });
            clipper.Measure();
            Assert.Equal(expected, BitConverter.DoubleToInt64Bits(clipper.Read().NormBefore));
        }
    }

    [Fact]
    public void Norm_ManyTensors_HasTheReferenceBits()
    {
        float[][] tensors = [.. Enumerable.Range(0, 100).Select(i => TestDevice.Normal((ulong)i, i * 37 % 501))];
        using TestDevice reference = TestDevice.Open("reference"), cpu = TestDevice.Open("cpu-3");
        (long expected, double[] expectedTensors) = Measure(reference, tensors);
        (long actual, double[] actualTensors) = Measure(cpu, tensors);
        Assert.Equal(expected, actual);
        Assert.Equal(expectedTensors, actualTensors);
    }

    [Fact]
    public void Norm_OtherOrderOfTheSameValues_ShowsThatTheOrderMatters()
    {
        // Negative control: were sums insensitive to order, the tests above would prove nothing.
        float[] values = TestDevice.Normal(11, 100_000);
        using TestDevice cpu = TestDevice.Open("cpu-1");
        long[] norms = [.. Enumerable.Range(0, 8).Select(shift => Measure(cpu, [.. values[shift..], .. values[..shift]]).Norm)];
        Assert.True(norms.Distinct().Count() > 1);
    }

    [Fact]
    public void Clip_SpecialValues_HaveTheReferenceBits()
    {
        float[] values = [float.MaxValue, float.Epsilon, -0f, 1e-38f, -1e38f, 1.5f, float.MinValue, .. TestDevice.Normal(5, 500, 1e10)];
        uint[]? expected = null;
        foreach (string name in new[] { "reference", "cpu-1", "cpu-7" })
        {
            using TestDevice test = TestDevice.Open(name);
            using var set = new GradientSet(values);
            using var clipper = new GradClipper(test.Device, set.Tensors, new GradClipperOptions { MaxNorm = 0.3 });
            clipper.Clip();
            expected ??= set.Bits;
            Assert.Equal(expected, set.Bits);
            Assert.Equal(0.3, set.Norm, 7);
        }
    }

    private static (long Norm, double[] Tensors) Measure(TestDevice device, params float[][] tensors)
    {
        using var set = new GradientSet(tensors);
        using var clipper = new GradClipper(device.Device, set.Tensors, new GradClipperOptions { MaxNorm = double.PositiveInfinity });
        clipper.Measure();
        var norms = new double[tensors.Length];
        clipper.ReadTensorNorms(norms);
        return (BitConverter.DoubleToInt64Bits(clipper.Read().NormBefore), norms);
    }
}
