using Andrea.Clipping;
using Andrea.Optim;
using Andrea.Tensors;

namespace Andrea.Tests.Optim;

/// <summary>Sets that cannot belong together, tensors that share memory, and devices that are gone.</summary>
public class TensorMatchTests
{
    [Fact]
    public void Create_SameNamesInAnotherOrder_IsRefused()
    {
        using Device device = Device.Cpu(1);
        using ExternalTensors p = Set("v", "w"), g = Set("w", "v"), m = Set("v", "w"), v = Set("v", "w"), swapped = Set("w", "v");
        var error = Assert.Throws<ArgumentException>(() => new AdamW(device, p, g));
        Assert.StartsWith("The gradient 'w' is tensor 0 of its set, but the parameter of that name is tensor 1; tensor 0 of the parameters is 'v'.", error.Message, StringComparison.Ordinal);
        Assert.Equal("gradients", error.ParamName);
        Assert.Contains("The gradient 'w'", Assert.Throws<ArgumentException>(() => new ExternalAdamW(device, p, g, m, v)).Message, StringComparison.Ordinal);
        using ExternalTensors right = Set("v", "w");
        Assert.Equal("firstMoments", Assert.Throws<ArgumentException>(() => new ExternalAdamW(device, p, right, swapped, v)).ParamName);
        Assert.Equal("secondMoments", Assert.Throws<ArgumentException>(() => new ExternalAdamW(device, p, right, m, swapped)).ParamName);
    }

    [Theory]
    [InlineData("v.grad", "w.grad")]
    [InlineData("v", "gradient of w")]
    public void Create_NamesOfTheirOwn_AreAccepted(string first, string second)
    {
        using Device device = Device.Cpu(1);
        using ExternalTensors p = Set("v", "w"), g = Set(first, second);
        using var optimizer = new AdamW(device, p, g);
        optimizer.Step(0.1);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public void Create_OverlapOfOneElement_IsRefusedAndNeighboursAreNot(int direction)
    {
        using Device device = Device.Cpu(1);
        float[] memory = GC.AllocateArray<float>(64, pinned: true);
        ExternalTensors At(int start) => new ExternalTensors().Add("w", memory.AsMemory(start, 8));
        using ExternalTensors p = At(20), touching = At(20 + direction * 8), overlapping = At(20 + direction * 7), m = At(44), v = At(52);
        Assert.Contains("overlaps", Assert.Throws<ArgumentException>(() => new AdamW(device, p, overlapping)).Message, StringComparison.Ordinal);
        Assert.Contains("overlaps", Assert.Throws<ArgumentException>(() => new ExternalAdamW(device, p, m, v, overlapping)).Message, StringComparison.Ordinal);
        using var optimizer = new AdamW(device, p, touching);
        using var external = new ExternalAdamW(device, p, touching, m, v);
    }

    [Fact]
    public void Step_GradientMovedOntoItsParameter_IsRefusedUntilItLiesElsewhere()
    {
        using Device device = Device.Cpu(1);
        using ExternalTensors p = Set("v", "w"), g = Set("v", "w"), m = Set("v", "w"), s = Set("v", "w");
        using var clipper = new GradClipper(device, g);
        using var optimizer = new AdamW(device, p, g, clipper: clipper);
        using var external = new ExternalAdamW(device, p, g, m, s);
        nint before = g.AddressOf(1);
        g.Move(1, p.AddressOf(1));
        for (int i = 0; i < 2; i++)
        {
            Assert.Contains("'w' overlaps the", Assert.Throws<InvalidOperationException>(() => optimizer.Step(0.1)).Message, StringComparison.Ordinal);
            Assert.Contains("'w' overlaps the", Assert.Throws<InvalidOperationException>(external.Step).Message, StringComparison.Ordinal);
        }
        clipper.Clip();
        g.Move(1, g.AddressOf(0) + sizeof(float));
        Assert.Contains("The gradient 'w' overlaps the gradient 'v'", Assert.Throws<InvalidOperationException>(clipper.Clip).Message, StringComparison.Ordinal);
        g.Move(1, before);
        optimizer.Step(0.1);
        external.Step();
        Assert.Equal(1, optimizer.ReadProgress().Step);
    }

    [Fact]
    public void Step_GradientOfAParameterThatIsAway_IsRefusedAndCountsNothing()
    {
        using Device device = Device.Cpu(1);
        using ExternalTensors p = Set("v", "w"), g = Set("v", "w"), m = Set("v", "w"), s = Set("v", "w");
        using var external = new ExternalAdamW(device, p, g, m, s);
        (nint parameter, nint gradient) = (p.AddressOf(1), g.AddressOf(1));
        p.Move(1, 0);
        for (int i = 0; i < 2; i++)
            Assert.Contains("Tensor 'w' has a gradient, but its parameter", Assert.Throws<InvalidOperationException>(external.Step).Message, StringComparison.Ordinal);
        g.Move(1, 0);
        external.Step();
        p.Move(1, parameter);
        g.Move(1, gradient);
        external.Step();
        var steps = new long[2];
        external.ReadSteps(steps);
        Assert.Equal([2, 1], steps);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Step_OfAnyOptimizerWithAGradientOfAParameterThatIsAway_IsRefusedAndChangesNothing(bool softSign)
    {
        using Device device = Device.Cpu(1);
        using ExternalTensors g = Set("v", "w");
        float[] v = [1, 1, 1, 1];
        using ExternalTensors p = new ExternalTensors().Add("v", v).AddAbsent("w", new TensorShape(4));
        using var clipper = new GradClipper(device, g);
        using Optimizer optimizer = Optimizer.Create(device, p, g, softSign ? new SoftSignOptions() : new AdamWOptions(), clipper);
        float[] there = [2, 2, 2, 2];
        Refused();
        p.Move(1, there);
        optimizer.Step(0.1);
        float[] before = State();
        p.Move(1, 0);
        Refused();
        Assert.Equal(before, State());
        Assert.Equal((1, 1), (clipper.Read().Call, optimizer.ReadProgress().Step));
        // The parameter alone is passed by, whichever of the two is away.
        g.Move(1, 0);
        optimizer.Step(0.1);
        p.Move(1, there);
        optimizer.Step(0.1);
        Assert.Equal(before[4..], State()[4..]);
        Assert.Equal(3, optimizer.ReadProgress().Step);

        float[] State() => [.. v, .. there, .. optimizer.FirstMoments[1].ToArray()];

        void Refused()
        {
            for (int i = 0; i < 2; i++)
                Assert.Equal(
                    "Tensor 'w' has a gradient, but its parameter or a moment is not there. Move it to where it lies, or the gradient to null.",
                    Assert.Throws<InvalidOperationException>(() => optimizer.Step(0.1)).Message);
        }
    }

    [Fact]
    public void Calls_OnADisposedCpuDevice_AreRefused()
    {
        Device device = Device.Cpu(1);
        using ExternalTensors p = Set("w"), g = Set("w");
        using var clipper = new GradClipper(device, g);
        using var optimizer = new AdamW(device, p, g);
        device.Dispose();
        Assert.Throws<ObjectDisposedException>(clipper.Clip);
        Assert.Throws<ObjectDisposedException>(() => optimizer.Step(0.1));
        Assert.Throws<ObjectDisposedException>(() => new GradClipper(device, g));
    }

    [Fact]
    public void Calls_OnADisposedExternalAdamW_AreRefused()
    {
        using Device device = Device.Cpu(1);
        using ExternalTensors p = Set("w"), g = Set("w"), m = Set("w"), s = Set("w");
        var external = new ExternalAdamW(device, p, g, m, s);
        foreach (int index in (int[])[-1, 1])
            Assert.Equal("tensor", Assert.Throws<ArgumentOutOfRangeException>(() => external.Configure(index, new AdamWTensorOptions(1))).ParamName);
        external.Dispose();
        external.Dispose();
        Assert.Throws<ObjectDisposedException>(external.Step);
        Assert.Throws<ObjectDisposedException>(() => external.Configure(0, new AdamWTensorOptions(1)));
        Assert.Throws<ObjectDisposedException>(() => external.ReadSteps(new long[1]));
        Assert.Throws<ObjectDisposedException>(() => external.RestoreSteps([1]));
    }

    [Fact]
    public void Create_ClipperOfAnotherDevice_IsRefused()
    {
        using Device device = Device.Cpu(1), other = Device.Cpu(1);
        using ExternalTensors p = Set("w"), g = Set("w"), m = Set("w"), s = Set("w");
        using var clipper = new GradClipper(other, g);
        Assert.Contains("Build both on the same Device", Assert.Throws<DeviceMismatchException>(() => new ExternalAdamW(device, p, g, m, s, clipper)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ReadTensorNorms_BeforeAClip_IsRefused()
    {
        using Device device = Device.Cpu(1);
        using ExternalTensors g = Set("w");
        using var clipper = new GradClipper(device, g);
        var norms = new double[1];
        Assert.Throws<InvalidOperationException>(() => clipper.ReadTensorNorms(norms));
        clipper.Measure();
        clipper.ReadTensorNorms(norms);
        Assert.Equal(Math.Sqrt(4), norms[0], 1e-12);
    }

    [Fact]
    public void ClipOnce_OtherMaxima_AreObeyed()
    {
        float[] first = [3], second = [4];
        ClipResult result = GradClipper.ClipOnce(2.5, first.AsMemory(), second.AsMemory());
        Assert.Equal((0.5, 2.5, 1.5f, 2f), (result.Coefficient, result.NormAfter, first[0], second[0]));
        Span<float> span = [3, 4];
        Assert.Equal(2.5, GradClipper.ClipOnce(2.5, span).NormAfter);
        Assert.Equal([1.5f, 2f], span.ToArray());
        Assert.False(GradClipper.ClipOnce(2.5, span).Clipped);
    }

    /// <summary>Four ones for each name.</summary>
    private static ExternalTensors Set(params string[] names)
    {
        var set = new ExternalTensors();
        foreach (string name in names)
        {
            var values = new float[4];
            values.AsSpan().Fill(1);
            set.Add(name, values);
        }
        return set;
    }
}
