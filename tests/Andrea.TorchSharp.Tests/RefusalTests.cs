using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Andrea.TorchSharp.Tests;

/// <summary>What Andrea does not work on is refused by name, before anything is changed.</summary>
public class RefusalTests
{
    [Theory]
    [InlineData(ScalarType.Float64)]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    public void Create_OtherType_IsRefused(ScalarType type)
    {
        using var p = new Parameter(zeros(3, dtype: type));
        foreach (Action create in (Action[])[() => new[] { p }.clip_grad_norm_(1), () => Fused.AdamW([("layer.weight", p)])])
            Assert.Contains($"is {type}; Andrea works on Float32", Assert.Throws<NotSupportedException>(create).Message, StringComparison.Ordinal);
        Assert.StartsWith("Parameter 'layer.weight'", Assert.Throws<NotSupportedException>(() => Fused.AdamW([("layer.weight", p)])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_NotContiguous_IsRefused()
    {
        using var p = new Parameter(zeros(3, 4).t());
        Assert.Contains("Parameter 'parameter 0' is not contiguous", Assert.Throws<NotSupportedException>(() => Fused.AdamW([p])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Step_GradientNotContiguous_IsRefusedAndChangesNothing()
    {
        using var p = new Parameter(zeros(3, 4));
        using var optimizer = Fused.AdamW([("w", p)]);
        p.grad = ones(4, 3).t();
        Assert.Contains("The gradient of 'w' is not contiguous", Assert.Throws<NotSupportedException>(() => optimizer.step()).Message, StringComparison.Ordinal);
        Assert.Equal(0f, p.sum().item<float>());
    }

    [Fact]
    public void Step_SparseGradient_IsRefused()
    {
        using Embedding embedding = nn.Embedding(10, 4, sparse: true);
        using var optimizer = Fused.AdamW(embedding.named_parameters());
        embedding.call(tensor(new long[] { 1, 2 })).sum().backward();
        Assert.Contains("The gradient of 'weight' is sparse", Assert.Throws<NotSupportedException>(() => optimizer.step()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_OtherDevice_IsRefused()
    {
        using var p = new Parameter(zeros([3], device: META));
        Assert.Contains("The parameters are on meta", Assert.Throws<NotSupportedException>(() => new[] { p }.clip_grad_norm_(1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_TwiceTheSame_None_OrBadNumbers_AreRefused()
    {
        using var p = new Parameter(zeros(3));
        Assert.Contains("'parameter 1' is given twice", Assert.Throws<ArgumentException>(() => new[] { p, p }.clip_grad_norm_(1)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Fused.AdamW(Array.Empty<Parameter>()));
        Assert.ThrowsAny<ArgumentException>(() => Fused.AdamW([p], lr: -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Fused.AdamW([p], max_norm: -1));
        Assert.Throws<NotSupportedException>(() => new[] { p }.clip_grad_norm_(1, norm_type: 1));
    }

    [Fact]
    public void Create_AmsgradOrMaximize_IsRefused()
    {
        using var p = new Parameter(zeros(3));
        foreach (AdamW.ParamGroup group in (AdamW.ParamGroup[])[new([p], amsgrad: true), new([p], maximize: true)])
            Assert.Contains("amsgrad or maximize", Assert.Throws<NotSupportedException>(() => Fused.AdamW([group])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Calls_AfterTheModuleWasConverted_NameTheParameter()
    {
        using Linear model = nn.Linear(4, 2);
        using FusedAdamW optimizer = Fused.AdamW(model.named_parameters(), max_norm: 1);
        using ModuleClipper clipper = ModuleClipper.For(model);
        Parameter[] before = [.. model.parameters()];
        model.call(ones(3, 4)).sum().backward();
        optimizer.step();
        // To what it is already: the parameters stay.
        model.to(ScalarType.Float32);
        model.to(CPU);
        optimizer.step();
        clipper.Clip();
        model.to(ScalarType.Float64);
        foreach (Action call in (Action[])[() => optimizer.step(), optimizer.zero_grad, clipper.Clip, () => optimizer.add_param_group(new AdamW.ParamGroup([new Parameter(zeros(3))]))])
            Assert.StartsWith(
                "Parameter 'weight' has been disposed. A module that is converted or moved by .to() gets new parameters",
                Assert.Throws<InvalidOperationException>(call).Message, StringComparison.Ordinal);
        foreach (Action call in (Action[])[() => before.clip_grad_norm_(1), () => Fused.AdamW(before)])
            Assert.StartsWith("Parameter 'parameter 0' has been disposed", Assert.Throws<InvalidOperationException>(call).Message, StringComparison.Ordinal);
        model.to(ScalarType.Float32);
        using FusedAdamW anew = Fused.AdamW(model.named_parameters());
        model.call(ones(3, 4)).sum().backward();
        anew.step();
    }

    [Fact]
    public void Calls_OverTwoParametersWithOneGradient_NameBothAndChangeNothing()
    {
        using Parameter p = new(ones(3)), q = new(ones(3));
        using FusedAdamW optimizer = Fused.AdamW([("p", p), ("q", q)]), clipping = Fused.AdamW([("p", p), ("q", q)], max_norm: 1);
        using var clipper = new ModuleClipper([p, q]);
        using Tensor gradient = ones(3) * 5;
        p.grad = gradient;
        q.grad = gradient;
        foreach (Action call in (Action[])[() => optimizer.step(), () => clipping.step()])
            Assert.Contains("'q' overlaps the gradient 'p'", Assert.Throws<InvalidOperationException>(call).Message, StringComparison.Ordinal);
        Assert.Contains("'parameter 1' overlaps", Assert.Throws<InvalidOperationException>(clipper.Clip).Message, StringComparison.Ordinal);
        Assert.Contains("'parameter 1' overlaps", Assert.Throws<ArgumentException>(() => new[] { p, q }.clip_grad_norm_(1)).Message, StringComparison.Ordinal);
        Assert.Equal((3f, 3f, 15f), (p.sum().item<float>(), q.sum().item<float>(), gradient.sum().item<float>()));
        q.grad = ones(3);
        optimizer.step();
    }

    [Fact]
    public void Create_WithANull_IsRefusedByNumberOrName()
    {
        using var p = new Parameter(zeros(3));
        Parameter[] list = [p, null!];
        foreach (Action create in (Action[])[() => list.clip_grad_norm_(1), () => Fused.AdamW(list), () => new ModuleClipper(list)])
            Assert.StartsWith("Parameter 'parameter 1' is null.", Assert.Throws<ArgumentException>(create).Message, StringComparison.Ordinal);
        Assert.StartsWith("Parameter 'bias' is null.", Assert.Throws<ArgumentException>(() => Fused.AdamW([("weight", p), ("bias", null!)])).Message, StringComparison.Ordinal);
        Assert.StartsWith("Parameter 'parameter 1 of the group' is null.", Assert.Throws<ArgumentException>(() => Fused.AdamW([new AdamW.ParamGroup(list)])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => Fused.AdamW((IEnumerable<Parameter>)null!));
        Assert.Throws<TimeZoneNotFoundException>(() => Fused.AdamW(Enumerable.Range(0, 3).Select(i => i < 2 ? ($"{i}", p) : throw new TimeZoneNotFoundException())));
        // What was not completed is finalized nevertheless, and must bear it.
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    [Fact]
    public void Step_AfterDispose_IsRefused()
    {
        using var p = new Parameter(zeros(3));
        FusedAdamW optimizer = Fused.AdamW([p]);
        optimizer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => optimizer.step());
    }
}
