using Andrea.Clipping;
using Andrea.Tests.Support;

namespace Andrea.Tests.Clipping;

/// <summary>Scaled gradients have the reference's bits, and those of the formula.</summary>
public class GradScaleTests
{
    [Theory]
    [InlineData("reference")]
    [InlineData("cpu-1")]
    [InlineData("cpu-3")]
    public void Clip_EveryLength0To257_ScalesEveryElementByTheFormula(string name)
    {
        using TestDevice reference = TestDevice.Open("reference"), device = TestDevice.Open(name);
        for (int length = 0; length <= 257; length++)
        {
            // The second tensor alone is above the maximum, so that the first is scaled at every length, and has a neighbour.
            float[] values = TestDevice.Normal((ulong)length, length, 3), neighbour = [3, -4];
            (uint[] expected, _) = Clip(reference, 0.7, values, neighbour);
            (uint[] actual, double coefficient) = Clip(device, 0.7, values, neighbour);
            Assert.Equal(expected, actual);
            Assert.True(coefficient < 0.15, $"the coefficient at length {length} is {coefficient}");
            Assert.Equal([.. values.Concat(neighbour).Select(value => BitConverter.SingleToUInt32Bits((float)(value * coefficient)))], actual);
        }
    }

    [Theory]
    [InlineData(65_535)]
    [InlineData(65_537)]
    [InlineData(400_003)]
    public void Clip_SeveralChunks_HaveTheReferenceBits(int length)
    {
        float[] values = TestDevice.Normal(3, length);
        using TestDevice reference = TestDevice.Open("reference");
        (uint[] expected, double coefficient) = Clip(reference, 1, values);
        Assert.True(coefficient < 1);
        foreach (string name in new[] { "cpu-1", "cpu-3" })
        {
            using TestDevice device = TestDevice.Open(name);
            Assert.Equal(expected, Clip(device, 1, values).Bits);
        }
    }

    private static (uint[] Bits, double Coefficient) Clip(TestDevice device, double max, params float[][] tensors)
    {
        using var set = new GradientSet(tensors);
        using var clipper = new GradClipper(device.Device, set.Tensors, new GradClipperOptions { MaxNorm = max });
        clipper.Clip();
        return (set.Bits, clipper.Read().Coefficient);
    }
}
