using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Andrea.TorchSharp.Tests;

/// <summary>Two layers, a norm, a parameter that is never used, and one that is used every other time; the same for the same seed.</summary>
internal sealed class SmallModule : Module<Tensor, Tensor>
{
    private readonly Linear _first, _second;
    private readonly LayerNorm _norm;
    private readonly Parameter _unused, _sometimes;

    public SmallModule(long width = 300)
        : base(nameof(SmallModule))
    {
        manual_seed(7);
        _first = Linear(20, width);
        _norm = LayerNorm(width);
        _second = Linear(width, 3);
        _unused = new Parameter(randn(5));
        _sometimes = new Parameter(randn(3));
        RegisterComponents();
    }

    public bool UseSometimes { get; set; } = true;

    public override Tensor forward(Tensor input)
    {
        Tensor output = _second.forward(_norm.forward(functional.relu(_first.forward(input))));
        return UseSometimes ? output + _sometimes : output;
    }

    /// <summary>Fresh gradients of one batch; those of the last one are freed.</summary>
    public double Backward(int batch, double scale = 1)
    {
        using DisposeScope scope = NewDisposeScope();
        zero_grad();
        manual_seed(100 + batch);
        Tensor loss = (call(randn(16, 20)) - randn(16, 3)).square().mean() * scale;
        loss.backward();
        return loss.item<float>();
    }

    public float[][] Values() => [.. parameters().Select(Read)];

    /// <summary>The gradients; null where there is none.</summary>
    public float[]?[] Gradients() => [.. parameters().Select(parameter =>
    {
        using Tensor? gradient = parameter.grad;
        return gradient is null ? null : Read(gradient);
    })];

    private static float[] Read(Tensor tensor)
    {
        using Tensor detached = tensor.detach();
        return detached.data<float>().ToArray();
    }
}
