using Andrea.Tensors;
using ManagedCuda;
using ManagedCuda.BasicTypes;

namespace Andrea.ManagedCuda;

/// <summary>Hands ManagedCuda's contexts, streams and memory to Andrea: values of the driver, no copies, nothing owned.</summary>
/// <remarks>
/// Contexts and streams must outlive the device, memory the clipper or optimizer that works on it. A variable that is disposed, or collected
/// without having been disposed (ManagedCuda does not free it then), is not noticed: keep a reference to each.
/// </remarks>
public static class ManagedCudaExtensions
{
    /// <summary>Opens the GPU of a context for Andrea, to work in that very context, whether ManagedCuda made it or took the primary one.</summary>
    /// <param name="context">A <see cref="CudaContext"/> or <see cref="PrimaryContext"/>; not owned.</param>
    /// <param name="stream">The stream that Andrea's work is enqueued on, in order with the caller's; not owned. Null: the legacy default
    /// stream, which ManagedCuda's calls without a stream use.</param>
    /// <param name="options">What else there is to say; its context and stream are not used. Null for the defaults.</param>
    /// <returns>The device, to be disposed before the context.</returns>
    /// <exception cref="Andrea.Cuda.CudaUnavailableException">NVRTC is missing; the message says what to install.</exception>
    /// <exception cref="Andrea.Cuda.CudaException">The driver failed.</exception>
    public static Device OpenDevice(this CudaContext context, CudaStream? stream = null, CudaOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(context);
        return Device.Cuda((options ?? new CudaOptions()) with
        {
            Context = context.Context.Pointer,
            Stream = stream is null ? CudaOptions.LegacyDefaultStream : stream.Stream.Pointer,
        });
    }

    /// <summary>Adds a device variable; all of it.</summary>
    /// <param name="tensors">The set that gets it.</param>
    /// <param name="name">Unique name, used in results and messages.</param>
    /// <param name="variable">The memory; changed in place; not owned; must live as long as the set is used.</param>
    /// <param name="shape">Shape, or nothing for one dimension. Only the number of dimensions matters: it decides on weight decay.</param>
    /// <inheritdoc cref="ExternalTensors.Add(string, nint, long, TensorShape?)" path="/exception"/>
    public static ExternalTensors Add(this ExternalTensors tensors, string name, CudaDeviceVariable<float> variable, TensorShape? shape = null)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        ArgumentNullException.ThrowIfNull(variable);
        return tensors.Add(name, variable.DevicePointer, (long)variable.Size, shape);
    }

    /// <summary>Adds device memory by its pointer.</summary>
    /// <param name="tensors">The set that gets it.</param>
    /// <param name="name">Unique name, used in results and messages.</param>
    /// <param name="pointer">The first float32; a multiple of 4.</param>
    /// <param name="length">Number of elements, not of bytes.</param>
    /// <param name="shape">Shape, or nothing for one dimension.</param>
    /// <inheritdoc cref="ExternalTensors.Add(string, nint, long, TensorShape?)" path="/exception"/>
    public static ExternalTensors Add(this ExternalTensors tensors, string name, CUdeviceptr pointer, long length, TensorShape? shape = null)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        return tensors.Add(name, AddressOf(pointer), length, shape);
    }

    /// <summary>Says where a tensor lies from now on, as <see cref="ExternalTensors.Move(int, nint)"/>; null: not there at present.</summary>
    /// <param name="tensors">The set.</param>
    /// <param name="index">Which tensor.</param>
    /// <param name="variable">Memory of at least as many elements as the tensor has.</param>
    /// <exception cref="ArgumentException">The variable is shorter than the tensor.</exception>
    public static void Move(this ExternalTensors tensors, int index, CudaDeviceVariable<float>? variable)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        if (variable is not null && (long)variable.Size < tensors.ShapeOf(index).Length)
            throw new ArgumentException(
                $"Tensor '{tensors.NameOf(index)}' has {tensors.ShapeOf(index).Length} elements, but the variable it is to move to has {(long)variable.Size}. Pass one as long.",
                nameof(variable));
        tensors.Move(index, variable is null ? 0 : AddressOf(variable.DevicePointer));
    }

    private static nint AddressOf(CUdeviceptr pointer) => (nint)(long)pointer.Pointer;
}
