using TorchSharp;
using TorchSharp.Modules;

namespace Andrea.Benchmarks;

/// <summary>TorchSharp's <c>clip_grad_norm_</c> and AdamW over tensors of given shapes.</summary>
/// <remarks>Only compiled with <c>-p:TorchSharp=cpu</c> or <c>-p:TorchSharp=cuda</c>.</remarks>
internal sealed class TorchSharpOptimizer : IDisposable
{
    private readonly torch.Device _device;
    private readonly List<Parameter> _parameters = [];
    private readonly torch.optim.Optimizer _optimizer;

    /// <param name="device"><c>cpu</c> or <c>cuda</c>.</param>
    /// <param name="threads">Threads on the CPU.</param>
    /// <param name="shapes">One shape for each tensor.</param>
    /// <param name="learningRate">AdamW's.</param>
    /// <param name="weightDecay">AdamW's.</param>
    public TorchSharpOptimizer(string device, int threads, IEnumerable<long[]> shapes, double learningRate, double weightDecay)
    {
        _device = new torch.Device(device);
        torch.set_num_threads(threads);
        torch.manual_seed(1);
        foreach (long[] shape in shapes)
        {
            using (torch.no_grad())
            {
                using torch.Tensor values = torch.randn(shape, device: _device);
                var parameter = new Parameter(values.mul(0.02).DetachFromDisposeScope());
                parameter.grad = torch.randn(shape, device: _device).mul_(0.01);
                _parameters.Add(parameter);
            }
        }
        _optimizer = torch.optim.AdamW(_parameters, lr: learningRate, weight_decay: weightDecay);
    }

    /// <summary>TorchSharp's version, with that of the native library.</summary>
    public static string Version => $"TorchSharp {typeof(torch).Assembly.GetName().Version?.ToString(3)}, libtorch {torch.__version__}";

    /// <summary>Measures and scales. Returns the norm, so it waits for the device.</summary>
    public double Clip(double maxNorm)
    {
        using DisposeScope scope = torch.NewDisposeScope();
        return torch.nn.utils.clip_grad_norm_(_parameters, maxNorm);
    }

    /// <summary>One AdamW step.</summary>
    public void Step()
    {
        using DisposeScope scope = torch.NewDisposeScope();
        _optimizer.step();
    }

    /// <summary>Waits for the device.</summary>
    public void Synchronize()
    {
        if (_device.type == DeviceType.CUDA)
            torch.cuda.synchronize();
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        foreach (Parameter parameter in _parameters)
            parameter.Dispose();
    }
}
