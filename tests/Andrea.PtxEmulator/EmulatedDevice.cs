using Andrea.PtxEmulator.Execution;
using Andrea.PtxEmulator.Memory;
using Andrea.PtxEmulator.Translation;

namespace Andrea.PtxEmulator;

/// <summary>A GPU without a GPU: memory, modules loaded from PTX text, and launches.</summary>
internal sealed class EmulatedDevice(LaunchOptions? options = null) : IDisposable
{
    public const int MaxThreads = 1024;

    /// <summary>What a block may have without asking for more, and what it may ask for, on the GPUs that we emulate.</summary>
    public const int UsualSharedBytes = 48 * 1024, MaxSharedBytes = 227 * 1024;

    public DeviceMemory Memory { get; } = new();

    public LaunchOptions Options { get; set; } = options ?? new LaunchOptions();

    /// <summary>Instructions executed so far, where <see cref="LaunchOptions.CountInstructions"/> asks for it.</summary>
    public long Executed { get; private set; }

    /// <summary>Loads a module: its variables get memory with their initial values.</summary>
    public LoadedModule Load(string ptx) => new(TranslationCache.Parse(ptx), Memory);

    /// <summary>Runs a kernel to its end.</summary>
    /// <param name="arguments">The parameters, packed as the kernel declares them.</param>
    /// <exception cref="ArgumentException">The sizes or the parameters do not fit the kernel or the device.</exception>
    /// <exception cref="DeviceFaultException">A thread did something wrong.</exception>
    public void Launch(LoadedModule module, string kernel, Dimensions grid, Dimensions threads, long dynamicShared, byte[] arguments)
    {
        KernelLaunch launch = module.Prepare(kernel, grid, threads, dynamicShared, arguments, Options);
        Run(launch);
    }

    /// <summary>Runs a launch that was checked before.</summary>
    public void Run(KernelLaunch launch) => Executed += GridRunner.Run(launch, Memory, Options);

    public void Dispose() => Memory.Dispose();
}
