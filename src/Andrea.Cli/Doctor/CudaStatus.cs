using Andrea.Cli.Rendering;
using Andrea.Cuda.Compilation;
using Andrea.Cuda.Diagnosis;
using static System.FormattableString;

namespace Andrea.Cli.Doctor;

/// <summary>What the doctor says about CUDA: a name and a value for each part. What is wrong with one part is its value, and no other's.</summary>
internal sealed class CudaStatus(CudaDiagnosis diagnosis)
{
    /// <summary>The rows, each found out when it is reached, so that what has been shown stays shown should the driver take the process down.</summary>
    public IEnumerable<(string Name, string Value)> Rows()
    {
        yield return ("driver", Say(diagnosis.Driver, driver => $"CUDA {driver.Version}, {driver.Path}"));
        foreach ((string name, string value) in GpuRows())
            yield return (name, value);
        yield return ("NVRTC", Say(diagnosis.Nvrtc, SayNvrtc));
        yield return ("cuBLASLt", Say(diagnosis.CublasLt, cublas => $"{cublas.Version}, {cublas.Path}", "not used, so Andrea's own kernels multiply matrices: "));
        yield return ("kernel cache", SayCache(diagnosis.Cache));
        if (EditedKernelsRow() is { } edited)
            yield return ("edited kernels", edited);
        yield return ("kernels", diagnosis.Kernels.Problem is null ? SayKernels(diagnosis.Kernels.Value!) : "not compiled: " + WhyNotCompiled());
        yield return ("backend cuda", Say(diagnosis.Backend, description => $"usable: {description}", "not usable: "));
    }

    private IEnumerable<(string Name, string Value)> GpuRows() => (diagnosis.Driver, diagnosis.Gpus) switch
    {
        // The driver's own row has said it.
        ({ Problem: not null }, _) => [],
        (_, { Value: { } gpus }) => gpus.Select(gpu => (Invariant($"GPU {gpu.Ordinal}"), SayGpu(gpu))),
        (_, { Problem: var problem }) => [("GPU", problem!)],
    };

    private static string SayGpu(GpuFacts gpu)
    {
        string memory = gpu.FreeBytes is { } free ? $"{Units.Bytes(free)} of {Units.Bytes(gpu.TotalBytes)} free" : Units.Bytes(gpu.TotalBytes);
        string problem = gpu.Problem is null ? "" : $"; it cannot be opened: {gpu.Problem}";
        return Invariant($"{gpu.Name}, compute capability {Capability(gpu.Architecture)}, {gpu.Multiprocessors} multiprocessors, ")
            + $"{memory}{problem}";
    }

    private static string SayNvrtc(NvrtcFacts nvrtc) =>
        $"{nvrtc.Version}, {nvrtc.Path}, for compute capability {Capability(nvrtc.Architectures.Min())} to {Capability(nvrtc.Architectures.Max())}";

    private static string SayCache(CacheFacts cache) => cache switch
    {
        { Folder: null } => $"none, so every start compiles: {KernelCache.FolderVariable} is 'off', or there is no home folder",
        { Problem: { } problem } => $"cannot be written, so every start compiles: {problem} Name another folder in {KernelCache.FolderVariable}.",
        _ => Invariant($"{cache.Folder}, writable, {cache.EntryCount} {(cache.EntryCount == 1 ? "entry" : "entries")}, {Units.Bytes(cache.Bytes)}"),
    };

    private string? EditedKernelsRow() => diagnosis.Library switch
    {
        { Problem: { } problem } => problem,
        { Value: { Folder: { } folder } library } => library.Edited.Count == 0
            ? $"{folder}, which has no .cu or .cuh file"
            : $"{folder}: {string.Join(", ", library.Edited)}",
        _ => null,
    };

    private static string SayKernels(KernelFacts kernels)
    {
        string[] failures = [.. kernels.Failed.Select(file => $"{file.Name} does not compile:\n{file.Problem}")];
        string target = $"{(kernels.Target.IsCubin ? "sm" : "compute")}_{kernels.Target.Architecture}";
        int ready = kernels.Files.Count - failures.Length;
        string summary = Invariant($"{ready} of {kernels.Files.Count} files ready for {target} in {kernels.Time.TotalSeconds:0.00} s, ")
            + Invariant($"{kernels.FromCache} from the cache");
        return string.Join('\n', [summary, .. failures]);
    }

    /// <summary>A few words where another row has the whole story.</summary>
    private string WhyNotCompiled() =>
        diagnosis.Nvrtc.Problem is not null ? "there is no usable NVRTC"
        : diagnosis.Library.Problem is not null ? "they cannot be read"
        : diagnosis.Kernels.Problem!;

    private static string Say<T>(Finding<T> finding, Func<T, string> say, string beforeProblem = "")
        where T : class => finding.Value is { } value ? say(value) : beforeProblem + finding.Problem;

    private static string Capability(int architecture) => Invariant($"{architecture / 10}.{architecture % 10}");
}
