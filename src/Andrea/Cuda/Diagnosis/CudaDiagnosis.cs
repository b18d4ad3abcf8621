using System.Diagnostics;
using Andrea.Cuda.Compilation;
using Andrea.Cuda.Interop;

namespace Andrea.Cuda.Diagnosis;

/// <summary>Finds out what this machine has of CUDA, and why the rest is missing. Everything is looked for when it is first asked for, and
/// nothing throws.</summary>
/// <param name="loadDriver">Loads the driver.</param>
/// <param name="loadNvrtc">Loads an NVRTC no newer than this CUDA version.</param>
/// <param name="loadCublas">Loads a cuBLASLt likewise.</param>
/// <param name="readKernels">Reads the kernels' sources, edited ones included.</param>
/// <param name="cache">Where compiled kernels are kept.</param>
internal sealed class CudaDiagnosis(
    Func<ICudaDriver> loadDriver, Func<int, INvrtc> loadNvrtc, Func<int, ICublasLt> loadCublas, Func<KernelLibrary> readKernels, KernelCache cache)
{
    // What is compiled for where there is no GPU to ask: A100, and everything newer runs it.
    private const int UsualArchitecture = 80;

    private Finding<ICudaDriver> LoadedDriver => field ??= Finding.Of(loadDriver);

    private Finding<INvrtc> LoadedNvrtc => field ??= Finding.Of(() => loadNvrtc(NewestMajor));

    /// <summary>The driver's CUDA version; without a driver any library will do.</summary>
    private int NewestMajor => LoadedDriver.Value is { } driver ? driver.Version / 1000 : int.MaxValue;

    /// <summary>Diagnoses this machine, as its environment variables say.</summary>
    public static CudaDiagnosis OfThisMachine() =>
        new(CudaDriver.Load, Interop.Nvrtc.Load, Interop.CublasLt.Load, KernelLibrary.FromEnvironment, KernelCache.FromEnvironment());

    public Finding<DriverFacts> Driver => field ??= Then(
        LoadedDriver, driver => new DriverFacts(LibraryLocation.Of(driver.Library), new Version(driver.Version / 1000, driver.Version / 10 % 100)));

    /// <summary>The GPUs that the driver shows: at least one, or a problem.</summary>
    public Finding<IReadOnlyList<GpuFacts>> Gpus => field ??= Then(LoadedDriver, AllGpus);

    public Finding<NvrtcFacts> Nvrtc => field ??= Then(
        LoadedNvrtc, nvrtc => new NvrtcFacts(LibraryLocation.Of(nvrtc.Library), nvrtc.Version, nvrtc.GetArchitectures()));

    public Finding<CublasFacts> CublasLt => field ??= Finding.Of(() =>
    {
        ICublasLt library = loadCublas(NewestMajor);
        return new CublasFacts(LibraryLocation.Of(library.Library), library.Version);
    });

    public CacheFacts Cache => field ??= FactsOf(cache);

    /// <summary>The kernels' sources.</summary>
    public Finding<KernelLibrary> Library => field ??= Finding.Of(readKernels);

    /// <summary>Every kernel file, compiled or found in the cache: for the first GPU, or for a usual one where there is none.</summary>
    public Finding<KernelFacts> Kernels => field ??= Then(LoadedNvrtc, nvrtc => Then(Library, library => CompileAll(nvrtc, library)));

    /// <summary>The backend, opened on the first GPU: its description, or what keeps it from working.</summary>
    public Finding<string> Backend => field ??= WhatIsMissing() is { } missing ? Finding.Missing<string>(missing) : Finding.Of(TryBackend);

    private static Finding<TResult> Then<T, TResult>(Finding<T> first, Func<T, TResult> next)
        where T : class
        where TResult : class => Then(first, value => Finding.Of(() => next(value)));

    private static Finding<TResult> Then<T, TResult>(Finding<T> first, Func<T, Finding<TResult>> next)
        where T : class
        where TResult : class => first.Value is { } value ? next(value) : Finding.Missing<TResult>(first.Problem!);

    private static IReadOnlyList<GpuFacts> AllGpus(ICudaDriver driver)
    {
        int count = CudaContext.Start(driver);
        return [.. Enumerable.Range(0, count).Select(ordinal => FactsOf(driver, ordinal))];
    }

    private static GpuFacts FactsOf(ICudaDriver driver, int ordinal)
    {
        int device = driver.GetDevice(ordinal);
        int Ask(CudaDeviceAttribute attribute) => driver.GetDeviceAttribute(device, attribute);
        var facts = new GpuFacts(
            ordinal, driver.GetDeviceName(device),
            (10 * Ask(CudaDeviceAttribute.ComputeCapabilityMajor)) + Ask(CudaDeviceAttribute.ComputeCapabilityMinor),
            Ask(CudaDeviceAttribute.MultiprocessorCount), driver.GetDeviceTotalBytes(device), null, null);
        try
        {
            // Only within a context, which an exclusively used GPU refuses.
            using CudaContext context = CudaContext.Open(driver, ordinal);
            return facts with { FreeBytes = context.GetFreeBytes() };
        }
        catch (CudaException error)
        {
            return facts with { Problem = error.Message };
        }
    }

    private static CacheFacts FactsOf(KernelCache cache)
    {
        string? problem = cache.WhyNotWritable();
        (int count, long bytes) = cache.Measure();
        return new CacheFacts(cache.Folder, count, bytes, problem);
    }

    private KernelFacts CompileAll(INvrtc nvrtc, KernelLibrary library)
    {
        int architecture = Gpus.Value?[0].Architecture ?? UsualArchitecture;
        KernelTarget target = KernelTarget.For(architecture, nvrtc.GetArchitectures(), nvrtc.Version);
        var compiler = new KernelCompiler(nvrtc, library, cache);
        long started = Stopwatch.GetTimestamp();
        KernelFile[] files = [.. library.Kernels.AsParallel().AsOrdered().Select(name => Compile(compiler, name, target))];
        return new KernelFacts(target, files, Stopwatch.GetElapsedTime(started));
    }

    private static KernelFile Compile(KernelCompiler compiler, string name, KernelTarget target)
    {
        try
        {
            return new KernelFile(name, compiler.Compile(name, target).FromCache, null);
        }
        catch (KernelCompilationException error)
        {
            return new KernelFile(name, FromCache: false, error.Log);
        }
        catch (CudaException error)
        {
            return new KernelFile(name, FromCache: false, error.Message);
        }
    }

    /// <summary>The first part that does not work, in a few words: each has told its own story.</summary>
    private string? WhatIsMissing() =>
        Driver.Problem is not null ? "there is no usable driver"
        : Gpus.Problem is not null ? "no GPU can be used"
        : Nvrtc.Problem is not null ? "there is no usable NVRTC"
        : Library.Problem is not null || Kernels.Problem is not null ? "the kernels cannot be compiled"
        : Kernels.Value!.Failed.Any() ? $"{string.Join(", ", Kernels.Value.Failed.Select(file => file.Name))} does not compile"
        : null;

    private string TryBackend()
    {
        var compiler = new KernelCompiler(LoadedNvrtc.Value!, Library.Value!, cache);
        using var backend = new CudaBackend(CudaContext.Open(LoadedDriver.Value!), compiler, new CudaOptions());
        backend.Synchronize();
        return backend.Description;
    }
}
