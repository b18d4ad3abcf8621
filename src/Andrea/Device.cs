using Andrea.Backends;
using Andrea.Cpu;
using Andrea.Cpu.Reference;

namespace Andrea;

/// <summary>Where training happens: the CPU, or one GPU. Everything that owns device memory is built on one.</summary>
/// <remarks>Dispose it last. One thread at a time may enqueue work.</remarks>
public sealed class Device : IDisposable
{
    internal Device(IBackend backend) => Backend = backend;

    internal IBackend Backend { get; }

    /// <summary>Short name: <c>cpu</c>, <c>cuda</c>, or <c>reference</c> for the slow scalar oracle.</summary>
    public string Name => Backend.Name;

    /// <summary>One line for people: processor or GPU, instruction set, threads.</summary>
    public string Description => Backend.Description;

    /// <summary>The fastest device of this machine. This version knows only the CPU, with one thread for each processor.</summary>
    public static Device Best() => Cpu();

    /// <summary>The CPU, with SIMD and several threads.</summary>
    /// <param name="threads">Number of threads; 0 takes one for each processor. Results do not depend on it.</param>
    /// <exception cref="ArgumentOutOfRangeException">A negative number, or more than 1,024.</exception>
    public static Device Cpu(int threads = 0)
    {
        if (threads is < 0 or > 1024)
            throw new ArgumentOutOfRangeException(nameof(threads), threads, $"{threads} threads were asked for; expected 1 to 1024, or 0 for one per processor.");
        return new Device(new CpuBackend(threads == 0 ? Environment.ProcessorCount : threads));
    }

    /// <summary>The scalar reference on the CPU: the oracle of the tests, hundreds of times slower.</summary>
    public static Device Reference() => new(new ReferenceBackend());

    /// <summary>Frees what the device holds: its threads, or its context.</summary>
    public void Dispose() => Backend.Dispose();
}
