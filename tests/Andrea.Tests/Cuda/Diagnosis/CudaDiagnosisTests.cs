using Andrea.Cli.Commands;
using Andrea.Cli.Doctor;
using Andrea.Cuda;
using Andrea.Cuda.Compilation;
using Andrea.Cuda.Diagnosis;
using Andrea.Cuda.Interop;
using Andrea.PtxEmulator.Driver;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.Diagnosis;

/// <summary>What is found out about a machine with a GPU: the emulator's. Without one, <see cref="Cli.CudaProcessTests"/>.</summary>
public sealed class CudaDiagnosisTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly EmulatedCudaDriver _driver = new(new EmulatedGpu { Name = "Emulated 9000", Multiprocessors = 7, TotalBytes = 1L << 30, Count = 2 });

    public void Dispose()
    {
        _driver.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void EmulatedGpus_AreShownAndUsable()
    {
        CudaDiagnosis diagnosis = Diagnose();
        Assert.Equal(new DriverFacts("the PTX emulator", new Version(12, 4)), diagnosis.Driver.Value);
        GpuFacts expected = new(0, "Emulated 9000", 990, 7, 1L << 30, 1L << 30, null);
        Assert.Equal([expected, expected with { Ordinal = 1 }], diagnosis.Gpus.Value!);
        Assert.True(diagnosis.Nvrtc.Value!.Architectures.Count > 5);
        KernelFacts kernels = diagnosis.Kernels.Value!;
        Assert.False(kernels.Target.IsCubin);
        Assert.Equal(new KernelLibrary(null).Kernels, kernels.Files.Select(file => file.Name));
        Assert.Empty(kernels.Failed);
        Assert.Equal("GPU 0, Emulated 9000, compute capability 99.0", diagnosis.Backend.Value);
    }

    [Fact]
    public void Rows_OfAUsableGpu()
    {
        var output = new StringWriter();
        DoctorCommand.Write(output, new CudaStatus(Diagnose()).Rows());
        string text = output.ToString();
        Assert.Contains("driver          CUDA 12.4, the PTX emulator\n", text, StringComparison.Ordinal);
        Assert.Contains("GPU 1           Emulated 9000, compute capability 99.0, 7 multiprocessors, 1.0 GiB of 1.0 GiB free\n", text, StringComparison.Ordinal);
        Assert.Contains("backend cuda    usable: GPU 0, Emulated 9000", text, StringComparison.Ordinal);
        Assert.DoesNotContain("edited kernels", text, StringComparison.Ordinal);
    }

    [Fact]
    public void GpuThatRefusesAContext_KeepsItsRowAndSaysWhy()
    {
        var driver = new FakeDriver();
        driver.Failures["RetainPrimaryContext"] = CudaResult.InvalidDevice;
        CudaDiagnosis diagnosis = Diagnose(driver);
        GpuFacts gpu = Assert.Single(diagnosis.Gpus.Value!);
        Assert.Equal(("Fake GPU", 990, null), (gpu.Name, gpu.Architecture, gpu.FreeBytes));
        Assert.Contains("RetainPrimaryContext", gpu.Problem, StringComparison.Ordinal);
        Assert.Contains("RetainPrimaryContext", diagnosis.Backend.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void DriverThatFailsUnexpectedly_LeavesTheOtherRows()
    {
        var diagnosis = new CudaDiagnosis(
            () => throw new InvalidOperationException("never seen before"), _ => throw new DllNotFoundException("gone"),
            _ => throw new DllNotFoundException("gone too"), () => throw new IOException("unreadable"), new KernelCache(null));
        (string Name, string Value)[] rows = [.. new CudaStatus(diagnosis).Rows()];
        Assert.Contains(("driver", "never seen before"), rows);
        Assert.Contains(("NVRTC", "gone"), rows);
        Assert.Contains(("cuBLASLt", "not used, so Andrea's own kernels multiply matrices: gone too"), rows);
        Assert.Contains(("edited kernels", "unreadable"), rows);
        Assert.Contains(("backend cuda", "not usable: there is no usable driver"), rows);
    }

    [Fact]
    public void EditedKernelWithAnError_MakesTheBackendUnusableAndIsNamed()
    {
        _folder.Write("edited/grad_clip.cu", "\n\nnonsense\n"u8);
        CudaDiagnosis diagnosis = Diagnose(_driver, _folder["edited"]);
        Assert.StartsWith("grad_clip.cu:3: error", Assert.Single(diagnosis.Kernels.Value!.Failed).Problem, StringComparison.Ordinal);
        Assert.Equal("grad_clip.cu does not compile", diagnosis.Backend.Problem);
    }

    [Fact]
    public void Cache_IsMeasuredAndTried()
    {
        var cache = new KernelCache(_folder["made/when/needed"]);
        Assert.Equal((0, 0), cache.Measure());
        Assert.Null(cache.WhyNotWritable());
        cache.Write("a", [1, 2, 3]);
        cache.Write("b", [4]);
        (int count, long bytes) = cache.Measure();
        Assert.Equal(2, count);
        Assert.InRange(bytes, 4 + (2 * 32), 200);
        Assert.Equal(2, Directory.GetFiles(_folder["made/when/needed"]).Length);

        var blocked = new KernelCache(Path.Combine(_folder.Write("file", []), "kernels"));
        Assert.NotNull(blocked.WhyNotWritable());
        Assert.Equal((0, 0), blocked.Measure());
        Assert.Null(new KernelCache(null).WhyNotWritable());
    }

    [Fact]
    public void GpuPresence_IsWhatTheDriverSays()
    {
        var nothing = new LibrarySearch(["libnothing.so"], [], UseLoader: true);
        Assert.True(GpuPresence.IsLikely(() => new FakeDriver(), nothing));
        Assert.False(GpuPresence.IsLikely(() => FailingToStart(CudaResult.NoDevice), nothing));
        Assert.True(GpuPresence.IsLikely(() => FailingToStart(CudaResult.SystemDriverMismatch), nothing));
        Assert.False(GpuPresence.IsLikely(() => throw new CudaUnavailableException("none"), nothing));
        if (!OperatingSystem.IsLinux())
            return;
        // A driver that is too old is there all the same.
        var found = new LibrarySearch(["libc.so.6"], [], UseLoader: true);
        Assert.True(GpuPresence.IsLikely(() => throw new CudaUnavailableException("too old"), found));
    }

    [Fact]
    public void LibraryLocation_OfABareName_IsTheLoadedFile()
    {
        Assert.Equal("/no/such/libcuda.so.1", LibraryLocation.Of("/no/such/libcuda.so.1"));
        Assert.Equal("libnothing.so.1", LibraryLocation.Of("libnothing.so.1"));
        if (OperatingSystem.IsLinux())
            Assert.EndsWith("/libc.so.6", LibraryLocation.Of("libc.so.6"), StringComparison.Ordinal);
    }

    private static FakeDriver FailingToStart(CudaResult result)
    {
        var driver = new FakeDriver();
        driver.Failures["Initialize"] = result;
        return driver;
    }

    private CudaDiagnosis Diagnose(ICudaDriver? driver = null, string? edited = null)
    {
        // Asked for here: a diagnosis reports whatever goes wrong, a skipped test included.
        Nvrtc nvrtc = TestNvrtc.Get();
        return new(() => driver ?? _driver, _ => nvrtc, CublasLt.Load, () => new KernelLibrary(edited), new KernelCache(_folder["cache"]));
    }
}
