using Andrea.Cuda.Interop;

namespace Andrea.Tests.Cuda.Gradients;

/// <summary>The optimizer's kernels on this machine's GPU.</summary>
public sealed class GradientGpuTests : GradientParityTests
{
    internal override ICudaDriver OpenDriver() => CudaDevices.GpuDriver();
}
