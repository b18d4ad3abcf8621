using TorchSharp;

namespace Andrea.TorchSharp;

/// <summary>A device as TorchSharp numbers it.</summary>
/// <param name="Type">CPU or CUDA; others are refused.</param>
/// <param name="Index">Which GPU; 0 for the CPU.</param>
internal readonly record struct TorchPlace(DeviceType Type, int Index)
{
    /// <summary>Where a tensor is.</summary>
    public static TorchPlace Of(torch.Tensor tensor)
    {
        DeviceType type = tensor.device_type;
        return new TorchPlace(type, type == DeviceType.CPU ? 0 : tensor.device_index);
    }

    /// <summary>Andrea's device for it: as many threads as TorchSharp uses; on a GPU the default stream, on which TorchSharp enqueues its work.</summary>
    /// <exception cref="NotSupportedException">It is neither the CPU nor an NVIDIA GPU.</exception>
    /// <exception cref="Andrea.Cuda.CudaUnavailableException">CUDA lacks something that Andrea needs, such as NVRTC; the message says what to install.</exception>
    public Device Open() => Type switch
    {
        DeviceType.CPU => Device.Cpu(torch.get_num_threads()),
        DeviceType.CUDA => Device.Cuda(new CudaOptions { Ordinal = Index, Stream = CudaOptions.LegacyDefaultStream }),
        _ => throw new NotSupportedException($"The parameters are on {this}; Andrea works on the CPU and on NVIDIA GPUs. Leave them to TorchSharp's own optimizer."),
    };

    /// <summary>As TorchSharp writes it: <c>cpu</c>, <c>cuda:0</c>.</summary>
    public override string ToString() => Type == DeviceType.CPU ? "cpu" : $"{Type.ToString().ToLowerInvariant()}:{Index}";
}
