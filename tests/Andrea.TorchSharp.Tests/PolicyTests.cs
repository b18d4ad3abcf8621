using Andrea.Clipping;
using Andrea.Clipping.Policies;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Andrea.TorchSharp.Tests;

/// <summary>Clip policies on TorchSharp's tensors, computed again with TorchSharp's own operations.</summary>
public class PolicyTests
{
    [Fact]
    public void Agc_OfAModule_ClipsRowsByTheirParameters()
    {
        using var ours = new SmallModule();
        using var clipper = new ModuleClipper(ours.parameters(), new GradClipperOptions { Policy = new AgcPolicy() });
        for (int step = 0; step < 2; step++)
        {
            ours.Backward(step, scale: 100);
            float[]?[] expected = [.. ours.parameters().Select(Agc)];
            clipper.Clip();
            Close.Assert(expected, ours.Gradients());
        }
        Assert.True(clipper.Clipper.Read().Clipped);
    }

    [Fact]
    public void AdamW_WithEveryPolicy_StaysFinite()
    {
        foreach (string kind in ClipPolicy.Kinds)
        {
            using var module = new SmallModule();
            using var optimizer = Fused.AdamW(
                module.named_parameters(), lr: 0.01, clip: new GradClipperOptions { MaxNorm = 0.5, Policy = ClipPolicy.Create(kind) });
            for (int step = 0; step < 4; step++)
            {
                module.UseSometimes = step % 2 == 0;
                module.Backward(step, scale: 100);
                optimizer.step();
            }
            Assert.True(double.IsFinite(optimizer.Clipper!.Read().NormAfter), kind);
            Assert.True(kind == "zclip" || optimizer.Clipper.Read().ClippedCalls > 0, kind);
        }
    }

    private static float[]? Agc(Parameter parameter)
    {
        using Tensor? gradient = parameter.grad;
        if (gradient is null)
            return null;
        using var scope = NewDisposeScope();
        bool isMatrix = parameter.dim() > 1;
        Tensor Norm(Tensor values) => isMatrix ? values.square().sum(1, keepdim: true).sqrt() : values.square().sum().sqrt();
        Tensor limit = Norm(parameter.detach()).clamp(min: 1e-3) * 0.01, norm = Norm(gradient);
        return where(norm > limit, gradient * (limit / norm), gradient).data<float>().ToArray();
    }
}
