using Andrea.Cuda;
using Andrea.Cuda.Interop;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.Interop;

/// <summary>What a user reads when CUDA is not there, or not whole.</summary>
public class LibraryLoaderTests
{
    [Fact]
    public void Load_NothingThere_SaysWhatWasTriedAndWhatToDo()
    {
        var search = new LibrarySearch(["libnothing.so.3", "libnothing.so.2"], ["/no/such/folder", "/nor/this"], UseLoader: true);
        var error = Assert.Throws<CudaUnavailableException>(() => LibraryLoader.Load("Nothing", search, "Install it."));
        Assert.Equal(
            "Nothing cannot be used. Looked for libnothing.so.3, libnothing.so.2 in: the system's library path, /no/such/folder, /nor/this."
                + " Install it.",
            error.Message);
    }

    [Fact]
    public void Load_BrokenFile_SaysWhichAndWhy()
    {
        using var folder = new TemporaryFolder();
        string broken = folder.Write("libbroken.so", "not a library"u8);
        var search = new LibrarySearch(["libbroken.so"], [folder.Path], UseLoader: false);
        var error = Assert.Throws<CudaUnavailableException>(() => LibraryLoader.Load("It", search, "Mend it."));
        Assert.Contains($"What was found does not work: {broken}: ", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("Mend it.", error.Message, StringComparison.Ordinal);
        Assert.Contains(OperatingSystem.IsLinux() ? "file too short" : "broken", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_BrokenThenWhole_TakesTheWholeOne()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Skip("Loads a library of Linux.");
        using var folder = new TemporaryFolder();
        folder.Write("libc.so.6", "not a library"u8);
        var search = new LibrarySearch(["libc.so.6"], [folder.Path, "/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/lib64"], UseLoader: false);
        Assert.EndsWith("/libc.so.6", LibraryLoader.Load("C", search, "").Path, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_InspectionComplains_GoesOnAndReports()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Skip("Loads a library of Linux.");
        var search = new LibrarySearch(["libc.so.6"], [], UseLoader: true);
        var error = Assert.Throws<CudaUnavailableException>(() => LibraryLoader.Load("NVRTC", search, "Install it.", library => Nvrtc.Inspect(library)));
        Assert.Contains("libc.so.6: its nvrtcVersion is missing, so it is no NVRTC", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nvrtc_WithoutItsBuiltins_IsRefusedByName()
    {
        TestNvrtc.FetchedFile("libnvrtc.so.12");
        // In a process of its own: in this one the builtins may be loaded already.
        string message = InstructionSetRunner.Fingerprint<WithoutBuiltins>("all");
        Assert.Contains("its companion libnvrtc-builtins.so.12.4 is neither beside it nor known to the system", message, StringComparison.Ordinal);
        Assert.Contains("pip install nvidia-cuda-nvrtc-cu12", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Driver_WithoutAGpu_SaysThatThereIsNoDevice()
    {
        TestNvrtc.FetchedFile("driver/libcuda.so.1");
        if (Directory.Exists("/proc/driver/nvidia"))
            Assert.Skip("This machine has a GPU.");
        string message = InstructionSetRunner.Fingerprint<WithoutGpu>("all");
        Assert.Contains("cuInit(0) failed with CUDA_ERROR_NO_DEVICE (100): no CUDA-capable device is detected.", message, StringComparison.Ordinal);
        Assert.Contains("Check that 'nvidia-smi' shows a GPU", message, StringComparison.Ordinal);
    }

    private sealed class WithoutBuiltins : IFingerprint
    {
        public static string Fingerprint()
        {
            using var folder = new TemporaryFolder();
            File.CreateSymbolicLink(folder["libnvrtc.so.12"], Path.GetFullPath(TestNvrtc.FetchedFile("libnvrtc.so.12.4.127")));
            var search = new LibrarySearch(["libnvrtc.so.12"], [folder.Path], UseLoader: false);
            return Assert.Throws<CudaUnavailableException>(() => Nvrtc.Load(search)).Message;
        }
    }

    private sealed class WithoutGpu : IFingerprint
    {
        public static string Fingerprint()
        {
            string folder = Path.GetDirectoryName(TestNvrtc.FetchedFile("driver/libcuda.so.1"))!;
            var search = new LibrarySearch(["libcuda.so.1"], [folder], UseLoader: false);
            CudaDriver driver = CudaDriver.Load(search);
            // For root the driver makes this device node, GPU or not; other programs would take it for a GPU.
            const string Node = "/dev/nvidiactl";
            bool existed = File.Exists(Node);
            string message = Assert.Throws<CudaUnavailableException>(() => CudaContext.Open(driver)).Message;
            if (!existed)
                File.Delete(Node);
            return message;
        }
    }
}
