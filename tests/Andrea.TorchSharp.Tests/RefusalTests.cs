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
    public void Step_AfterDispose_IsRefused()
    {
        using var p = new Parameter(zeros(3));
        FusedAdamW optimizer = Fused.AdamW([p]);
        optimizer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => optimizer.step());
    }
}
