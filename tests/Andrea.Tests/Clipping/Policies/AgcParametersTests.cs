using Andrea.Clipping;
using Andrea.Clipping.Policies;
using Andrea.Optim;
using Andrea.Tensors;

namespace Andrea.Tests.Clipping.Policies;

/// <summary>AGC changes gradients by looking at parameters, so both must be what they are said to be.</summary>
public class AgcParametersTests
{
    private static readonly GradClipperOptions Agc = new() { Policy = new AgcPolicy() };

    [Fact]
    public unsafe void Parameters_ThatAreTheGradients_AreRefused()
    {
        using Device device = Device.Cpu(1);
        float[] values = [1, 2];
        fixed (float* address = values)
        {
            using ExternalTensors parameters = new ExternalTensors().Add("w", (nint)address, 2), gradients = new ExternalTensors().Add("w", (nint)address, 2);
            ArgumentException error = Assert.Throws<ArgumentException>(() => new GradClipper(device, gradients, Agc, parameters));
            Assert.Contains("overlaps", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public unsafe void Gradient_MovedOntoItsParameter_IsRefusedAndTheParameterStays()
    {
        using Device device = Device.Cpu(1);
        float[] values = [1, 2], slopes = [30, 40];
        fixed (float* value = values, slope = slopes)
        {
            using ExternalTensors parameters = new ExternalTensors().Add("w", (nint)value, 2), gradients = new ExternalTensors().Add("w", (nint)slope, 2);
            using var clipper = new GradClipper(device, gradients, Agc, parameters);
            clipper.Clip();
            gradients.Move(0, (nint)value);
            Assert.Throws<InvalidOperationException>(clipper.Clip);
            Assert.Equal([1, 2], values);
        }
    }

    [Theory]
    [InlineData("agc")]
    [InlineData("global")]
    public void Parameters_InAnotherOrder_AreRefused(string policy)
    {
        using Device device = Device.Cpu(1);
        using ExternalTensors parameters = new ExternalTensors().Add("w", new float[2]).Add("v", new float[2]);
        using ExternalTensors gradients = new ExternalTensors().Add("v", new float[2]).Add("w", new float[2]);
        Assert.Throws<ArgumentException>(() => new GradClipper(device, gradients, new GradClipperOptions { Policy = ClipPolicy.Create(policy) }, parameters));
    }

    [Fact]
    public void Optimizer_OfOtherParametersThanTheClippers_IsRefused()
    {
        using Device device = Device.Cpu(1);
        using ExternalTensors first = new ExternalTensors().Add("w", new float[2]), second = new ExternalTensors().Add("w", new float[2]);
        using ExternalTensors gradients = new ExternalTensors().Add("w", new float[2]);
        using var clipper = new GradClipper(device, gradients, Agc, first);
        Assert.Contains("other parameters", Assert.Throws<ArgumentException>(() => new AdamW(device, second, gradients, clipper: clipper)).Message, StringComparison.Ordinal);
        using var optimizer = new AdamW(device, first, gradients, clipper: clipper);
    }

    [Fact]
    public void Sets_ThatAreDisposed_AreRefusedWhenSomethingIsBuiltOverThem()
    {
        using Device device = Device.Cpu(1);
        using ExternalTensors there = new ExternalTensors().Add("w", new float[2]), moment = new ExternalTensors().Add("w", new float[2]);
        ExternalTensors gone = new ExternalTensors().Add("w", new float[2]);
        gone.Dispose();
        Assert.Throws<ObjectDisposedException>(() => new GradClipper(device, gone));
        Assert.Throws<ObjectDisposedException>(() => new AdamW(device, gone, there));
        Assert.Throws<ObjectDisposedException>(() => new AdamW(device, there, gone));
        Assert.Throws<ObjectDisposedException>(() => new ExternalAdamW(device, there, gone, moment, moment));
    }

    [Fact]
    public void Latest_BeforeTheFirstClip_IsOfAClipThatDidNothing()
    {
        using Device device = Device.Cpu(1);
        using ExternalTensors gradients = new ExternalTensors().Add("w", new float[2]);
        using var clipper = new GradClipper(device, gradients);
        Assert.False(clipper.Latest.Clipped);
        Assert.Equal((0, 1.0, -1), (clipper.Latest.Call, clipper.Latest.Coefficient, clipper.Latest.FirstBadIndex));
    }
}
