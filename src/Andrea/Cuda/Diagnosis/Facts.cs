using Andrea.Cuda.Compilation;

namespace Andrea.Cuda.Diagnosis;

/// <summary>The CUDA driver.</summary>
/// <param name="Path">Where it was found.</param>
/// <param name="Version">Newest CUDA version that it supports.</param>
internal sealed record DriverFacts(string Path, Version Version);

/// <summary>One GPU.</summary>
/// <param name="Ordinal">Its number, from 0.</param>
/// <param name="Name">As the vendor calls it.</param>
/// <param name="Architecture">Compute capability, 10 * major + minor.</param>
/// <param name="Multiprocessors">How many streaming multiprocessors it has.</param>
/// <param name="TotalBytes">All of its memory.</param>
/// <param name="FreeBytes">Memory that nobody uses; null when the GPU cannot be opened.</param>
/// <param name="Problem">Why it cannot be opened, or null.</param>
internal sealed record GpuFacts(
    int Ordinal, string Name, int Architecture, int Multiprocessors, long TotalBytes, long? FreeBytes, string? Problem);

/// <summary>NVIDIA's run-time compiler.</summary>
/// <param name="Path">Where it was found.</param>
/// <param name="Version">Its version.</param>
/// <param name="Architectures">What it compiles for, ascending: 80 stands for compute capability 8.0.</param>
internal sealed record NvrtcFacts(string Path, Version Version, IReadOnlyList<int> Architectures);

/// <summary>NVIDIA's matrix products.</summary>
/// <param name="Path">Where the library was found.</param>
/// <param name="Version">Its version.</param>
internal sealed record CublasFacts(string Path, Version Version);

/// <summary>The folder that keeps compiled kernels.</summary>
/// <param name="Folder">The folder; null when nothing is kept.</param>
/// <param name="EntryCount">Compiled files in it.</param>
/// <param name="Bytes">What they take.</param>
/// <param name="Problem">Why nothing can be written there; null when it can.</param>
internal sealed record CacheFacts(string? Folder, int EntryCount, long Bytes, string? Problem);

/// <summary>How getting every kernel file ready went.</summary>
/// <param name="Target">What they were compiled to.</param>
/// <param name="Files">One result for each file.</param>
/// <param name="Time">How long it took altogether.</param>
internal sealed record KernelFacts(KernelTarget Target, IReadOnlyList<KernelFile> Files, TimeSpan Time)
{
    public int FromCache => Files.Count(file => file.FromCache);

    public IEnumerable<KernelFile> Failed => Files.Where(file => file.Problem is not null);
}

/// <summary>One kernel file.</summary>
/// <param name="Name">Such as <c>adamw.cu</c>.</param>
/// <param name="FromCache">Whether it had been compiled before.</param>
/// <param name="Problem">What the compiler has against it, each message with file and line; null when it compiles.</param>
internal sealed record KernelFile(string Name, bool FromCache, string? Problem);
