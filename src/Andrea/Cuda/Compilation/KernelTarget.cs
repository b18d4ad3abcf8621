namespace Andrea.Cuda.Compilation;

/// <summary>What kernels are compiled to.</summary>
/// <param name="Architecture">80 stands for compute capability 8.0.</param>
/// <param name="IsCubin">Machine code, ready to run on this architecture; else PTX, which the driver translates for any newer GPU.</param>
internal readonly record struct KernelTarget(int Architecture, bool IsCubin)
{
    /// <summary>The compiler option.</summary>
    public string Option => $"--gpu-architecture={(IsCubin ? "sm" : "compute")}_{Architecture}";

    /// <summary>The best code for a device that this NVRTC can make: machine code of the device's own generation, PTX for a newer one.</summary>
    /// <param name="device">Compute capability of the device, 10 * major + minor.</param>
    /// <param name="supported">What NVRTC compiles for.</param>
    /// <param name="nvrtcVersion">For the message.</param>
    /// <exception cref="CudaUnavailableException">The device is older than everything that NVRTC knows.</exception>
    public static KernelTarget For(int device, IEnumerable<int> supported, Version nvrtcVersion)
    {
        int best = supported.Where(architecture => architecture <= device).DefaultIfEmpty(0).Max();
        if (best == 0)
            throw new CudaUnavailableException(
                $"The GPU has compute capability {Capability(device)}, and NVRTC {nvrtcVersion} compiles for"
                + $" {string.Join(", ", supported.Select(Capability))}. Install an older NVRTC (CUDA 12 for GPUs from 5.0 on), or train on the CPU.");
        // Machine code runs on later minor versions of the same major one, PTX on anything later.
        return new KernelTarget(best, IsCubin: best / 10 == device / 10);
    }

    private static string Capability(int architecture) => $"{architecture / 10}.{architecture % 10}";
}
