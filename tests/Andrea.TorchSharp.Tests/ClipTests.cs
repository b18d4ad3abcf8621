using Andrea.Clipping;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Andrea.TorchSharp.Tests;

/// <summary>Clipping against TorchSharp's own.</summary>
public class ClipTests
{
    [Theory]
    [InlineData(0.01)]
    [InlineData(1.0)]
    [InlineData(1e6)]
    public void ClipGradNorm_OverSeveralSteps_IsTorchSharps(double maxNorm)
    {
        using var theirs = new SmallModule();
        using var ours = new SmallModule();
        for (int step = 0; step < 4; step++)
        {
            theirs.UseSometimes = ours.UseSometimes = step % 2 == 0;
            theirs.Backward(step, scale: 10);
            ours.Backward(step, scale: 10);
            float[]?[] before = ours.Gradients();
            double expected = nn.utils.clip_grad_norm_(theirs.parameters(), maxNorm);
            double actual = ours.parameters().clip_grad_norm_(maxNorm);
            Assert.Equal(expected, actual, expected * 1e-6);
            Close.Assert(theirs.Gradients(), ours.Gradients());
            if (actual <= maxNorm)
                Assert.Equal(before, ours.Gradients());
        }
    }

    [Fact]
    public void ClipGradNorm_NoGradients_IsZero()
    {
        using var module = new SmallModule();
        Assert.Equal(0, module.parameters().clip_grad_norm_(1));
        Assert.Equal(0, Array.Empty<Parameter>().clip_grad_norm_(1));
    }

    [Fact]
    public void ClipGradNorm_TorchFormula_HasTheCoefficientOfTorch()
    {
        using var theirs = new SmallModule();
        using var ours = new SmallModule();
        theirs.Backward(0, 100);
        ours.Backward(0, 100);
        nn.utils.clip_grad_norm_(theirs.parameters(), 1);
        using var clipper = new ModuleClipper(ours.parameters(), new GradClipperOptions { Formula = ClipFormula.Torch });
        clipper.Clip();
        Close.Assert(theirs.Gradients(), ours.Gradients(), relative: 3e-7, absolute: 0);
    }

    [Fact]
    public void ClipGradNorm_GradientsThatOverflowFloat_AreClippedAllTheSame()
    {
        using var p = new Parameter(zeros(100));
        p.grad = full([100], 1e20f);
        Assert.Equal(double.PositiveInfinity, nn.utils.clip_grad_norm_([p], 1));
        Assert.Equal(0f, p.grad!.data<float>()[0]);
        p.grad = full([100], 1e20f);
        Assert.Equal(1e21, new[] { p }.clip_grad_norm_(1), 1e14);
        Assert.Equal(0.1f, p.grad!.data<float>()[0], 1e-7f);
    }

    [Fact]
    public void ClipGradNorm_NaN_IsReturnedAndNothingIsChanged()
    {
        using var p = new Parameter(zeros(3));
        for (int i = 0; i < 60; i++)
        {
            p.grad = tensor(new[] { 1f, float.NaN, 3f });
            Assert.Equal(double.NaN, new[] { p }.clip_grad_norm_(1));
        }
        Assert.Equal(3f, p.grad!.data<float>()[2]);
    }

    [Fact]
    public void ModuleClipper_Result_HasTheNamesOfTheModule()
    {
        using var module = new SmallModule();
        module.Backward(0);
        using var clipper = ModuleClipper.For(module, maxNorm: 1);
        module.parameters().ElementAt(4).grad!.fill_(float.NaN);
        clipper.Clip();
        Assert.Equal(module.named_parameters().ElementAt(4).name, clipper.Clipper.Latest.FirstBadTensor);
        Assert.True(double.IsNaN(clipper.ReadNorm()));
    }

    [Fact]
    public void Clip_OverAndOver_LeavesNoTensorsBehind()
    {
        using var module = new SmallModule();
        module.Backward(0);
        using var clipper = ModuleClipper.For(module);
        clipper.Clip();
        long before = Tensor.TotalCount;
        for (int i = 0; i < 10; i++)
            clipper.Clip();
        Assert.Equal(before, Tensor.TotalCount);
    }
}
