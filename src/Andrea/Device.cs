using Andrea.Backends;
using Andrea.Cpu;
using Andrea.Cpu.Reference;
using Andrea.Cuda;

namespace Andrea;

/// <summary>Where training happens: the CPU, or one GPU. Everything that owns device memory is built on one.</summary>
/// <remarks>Dispose it last. One thread at a time may enqueue work.
/// <code>
/// using Device device = Device.Best(out string? whyNotCuda);
/// Console.WriteLine(whyNotCuda is null ? device.Description : $"{device.Description}, since {whyNotCuda}");
/// </code>
/// </remarks>
public sealed class Device : IDisposable
{
    internal Device(IBackend backend) => Backend = backend;

    internal IBackend Backend { get; }

    /// <summary>Short name: <c>cpu</c>, <c>cuda</c>, or <c>reference</c> for the slow scalar oracle.</summary>
    public string Name => Backend.Name;

    /// <summary>One line for people: processor or GPU, instruction set, threads.</summary>
    public string Description => Backend.Description;

    /// <summary>The fastest device of this machine: its first GPU if CUDA is usable, else the CPU with one thread for each processor.</summary>
    /// <returns>A GPU, or the CPU; owned by the caller.</returns>
    public static Device Best() => Best(out _);

    /// <summary>The fastest device of this machine, and why it is no GPU.</summary>
    /// <param name="whyNotCuda">What CUDA is missing, with what to install; null when the device is a GPU.</param>
    /// <returns>A GPU, or the CPU; owned by the caller.</returns>
    public static Device Best(out string? whyNotCuda) => TryCuda(new CudaOptions(), out whyNotCuda) ?? Cpu();

    /// <summary>An NVIDIA GPU, through CUDA.</summary>
    /// <param name="options">Which GPU, which stream; null for the defaults.</param>
    /// <returns>The GPU; owned by the caller.</returns>
    /// <remarks>Compiles the optimizer's kernels with NVRTC, or finds them in the cache; those of the model follow when they are first needed.</remarks>
    /// <exception cref="CudaUnavailableException">The driver, a GPU or NVRTC is missing; the message lists what was tried and what to install.</exception>
    /// <exception cref="CudaException">The driver failed.</exception>
    /// <exception cref="KernelCompilationException">A kernel does not compile; only edited ones should.</exception>
    public static Device Cuda(CudaOptions? options = null) => new(CudaBackend.Open(options ?? new CudaOptions()));

    /// <summary>The GPU that <see cref="Cuda"/> opens; null where CUDA is not usable.</summary>
    /// <param name="options">Which GPU, which stream.</param>
    /// <param name="whyNot">What is missing, with what to install; null when there is a device.</param>
    internal static Device? TryCuda(CudaOptions options, out string? whyNot)
    {
        try
        {
            whyNot = null;
            return Cuda(options);
        }
        catch (Exception error) when (error is CudaUnavailableException or CudaException or KernelCompilationException or IOException or UnauthorizedAccessException)
        {
            whyNot = error.Message;
            return null;
        }
    }

    /// <summary>The CPU, with SIMD and several threads.</summary>
    /// <param name="threads">Number of threads; 0 takes one for each processor. Results do not depend on it.</param>
    /// <returns>The CPU; owned by the caller.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A negative number, or more than 1,024.</exception>
    public static Device Cpu(int threads = 0)
    {
        if (threads is < 0 or > 1024)
            throw new ArgumentOutOfRangeException(nameof(threads), threads, $"{threads} threads were asked for; expected 1 to 1024, or 0 for one per processor.");
        return new Device(new CpuBackend(threads == 0 ? Environment.ProcessorCount : threads));
    }

    /// <summary>The scalar reference on the CPU, to check results against: one thread, sums in double, hundreds of times slower.</summary>
    /// <returns>The reference; owned by the caller.</returns>
    public static Device Reference() => new(new ReferenceBackend());

    /// <summary>Frees what the device holds: its threads, or its context.</summary>
    public void Dispose() => Backend.Dispose();
}
