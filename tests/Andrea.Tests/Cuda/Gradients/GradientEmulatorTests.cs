using Andrea.Cuda.Interop;
using Andrea.PtxEmulator.Driver;
using Andrea.PtxEmulator.Execution;

namespace Andrea.Tests.Cuda.Gradients;

/// <summary>The optimizer's kernels on the emulator, blocks and warps in their natural order.</summary>
public class GradientEmulatorTests : GradientParityTests, IDisposable
{
    private readonly List<EmulatedCudaDriver> _drivers = [];

    internal virtual LaunchOptions Options => new();

    internal override ICudaDriver OpenDriver()
    {
        _drivers.Add(new EmulatedCudaDriver(options: Options));
        return _drivers[^1];
    }

    public void Dispose()
    {
        foreach (EmulatedCudaDriver driver in _drivers)
            driver.Dispose();
        GC.SuppressFinalize(this);
    }
}

/// <summary>The same in a shuffled order, with an eye on races.</summary>
public sealed class ShuffledGradientEmulatorTests : GradientEmulatorTests
{
    internal override LaunchOptions Options => new() { Seed = 20_240_607, DetectRaces = true };
}
