using System.Runtime.InteropServices;
using Andrea.Cli;
using Andrea.Cuda.Compilation;
using Andrea.Cuda.Interop;
using Andrea.Tests.Cuda;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cli;

/// <summary>What a user sees of CUDA on a machine without a GPU: no driver, the real driver without a device, parts missing or broken.</summary>
public sealed class CudaProcessTests : IDisposable
{
    private const string LoaderVariable = "LD_LIBRARY_PATH";

    // For root the driver makes this device node, GPU or not; other programs would take it for a GPU.
    private const string DeviceNode = "/dev/nvidiactl";

    private readonly TemporaryFolder _folder = new();
    private readonly bool _nodeExisted = File.Exists(DeviceNode);
    private readonly Dictionary<string, string?> _environment;

    public CudaProcessTests()
    {
        if (Directory.Exists("/proc/driver/nvidia") || File.Exists("/dev/dxg"))
            Assert.Skip("This machine has a GPU.");
        _environment = new()
        {
            [KernelCache.FolderVariable] = _folder["cache"],
            [KernelLibrary.FolderVariable] = null,
            [LibrarySearch.NvrtcPathVariable] = Directory.CreateDirectory(_folder["empty"]).FullName,
            ["CUDA_VISIBLE_DEVICES"] = null,
        };
    }

    public void Dispose()
    {
        if (!_nodeExisted)
            File.Delete(DeviceNode);
        _folder.Dispose();
    }

    [Fact]
    public async Task Doctor_WithoutDriver_SaysWhatIsMissingAndGoesOn()
    {
        SkipWhereADriverIs();
        Dictionary<string, string> rows = await Doctor();
        Assert.StartsWith("The CUDA driver cannot be used. Looked for ", rows["driver"], StringComparison.Ordinal);
        Assert.Contains("install that driver", rows["driver"], StringComparison.Ordinal);
        Assert.DoesNotContain("GPU", rows.Keys);
        Assert.Equal("not usable: there is no usable driver", rows["backend cuda"]);
        foreach (string row in (string[])["Andrea", "system", ".NET", "processor", "cores", "memory", "vectors", "backend cpu", "NVRTC", "kernels"])
            Assert.True(rows[row].Length > 0, row);
    }

    [Fact]
    public async Task Doctor_WithDriverAndNvrtc_ShowsBothAndTheMissingDevice()
    {
        TakeDriver();
        TakeNvrtc();
        Dictionary<string, string> rows = await Doctor();
        Assert.StartsWith("CUDA 12.4, ", rows["driver"], StringComparison.Ordinal);
        Assert.Contains("/driver/libcuda.so", rows["driver"], StringComparison.Ordinal);
        Assert.Contains("cuInit(0) failed with CUDA_ERROR_NO_DEVICE (100)", rows["GPU"], StringComparison.Ordinal);
        Assert.StartsWith("12.4, ", rows["NVRTC"], StringComparison.Ordinal);
        Assert.EndsWith("/libnvrtc.so.12, for compute capability 5.0 to 9.0", rows["NVRTC"], StringComparison.Ordinal);
        Assert.Equal($"{_folder["cache/kernels"]}, writable, 0 entries, 0 bytes", rows["kernel cache"]);
        int count = new KernelLibrary(null).Kernels.Count();
        Assert.StartsWith($"{count} of {count} files ready for sm_80 in ", rows["kernels"], StringComparison.Ordinal);
        Assert.EndsWith(" s, 0 from the cache", rows["kernels"], StringComparison.Ordinal);
        Assert.Equal("not usable: no GPU can be used", rows["backend cuda"]);

        Dictionary<string, string> again = await Doctor();
        Assert.EndsWith($" s, {count} from the cache", again["kernels"], StringComparison.Ordinal);
        Assert.Contains($", writable, {count} entries, ", again["kernel cache"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_WithoutNvrtc_SaysWhereItLooked()
    {
        TakeDriver();
        Dictionary<string, string> rows = await Doctor();
        Assert.Contains($"in: {_folder["empty"]}.", rows["NVRTC"], StringComparison.Ordinal);
        Assert.Contains("pip install nvidia-cuda-nvrtc-cu12", rows["NVRTC"], StringComparison.Ordinal);
        Assert.Equal("not compiled: there is no usable NVRTC", rows["kernels"]);
    }

    [Fact]
    public async Task Doctor_BrokenNvrtc_NamesTheFile()
    {
        _environment[LibrarySearch.NvrtcPathVariable] = Path.GetDirectoryName(_folder.Write("broken/libnvrtc.so.12", "no library"u8));
        Dictionary<string, string> rows = await Doctor();
        Assert.Contains($"What was found does not work: {_folder["broken/libnvrtc.so.12"]}: ", rows["NVRTC"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_CacheThatCannotBeWritten_SaysSoAndCompiles()
    {
        TakeNvrtc();
        _environment[KernelCache.FolderVariable] = _folder.Write("file", "in the way"u8);
        Dictionary<string, string> rows = await Doctor();
        Assert.StartsWith("cannot be written, so every start compiles: ", rows["kernel cache"], StringComparison.Ordinal);
        Assert.Contains(_folder["file"], rows["kernel cache"], StringComparison.Ordinal);
        Assert.EndsWith(" s, 0 from the cache", rows["kernels"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_CacheSwitchedOff_SaysSo()
    {
        _environment[KernelCache.FolderVariable] = "off";
        Assert.StartsWith("none, so every start compiles: ANDREA_CACHE_DIR is 'off'", (await Doctor())["kernel cache"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_EditedKernelWithAnError_ShowsFileAndLine()
    {
        TakeNvrtc();
        _folder.Write("kernels/adamw.cu", "// edited\nint x = ;\n"u8);
        _environment[KernelLibrary.FolderVariable] = _folder["kernels"];
        Dictionary<string, string> rows = await Doctor();
        Assert.Equal($"{_folder["kernels"]}: adamw.cu", rows["edited kernels"]);
        Assert.Contains("\nadamw.cu does not compile:\nadamw.cu:2: error: ", rows["kernels"], StringComparison.Ordinal);
        int count = new KernelLibrary(null).Kernels.Count();
        Assert.StartsWith($"{count - 1} of {count} files ready", rows["kernels"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_KernelFolderThatIsMissing_SaysSoInItsRow()
    {
        TakeNvrtc();
        _environment[KernelLibrary.FolderVariable] = _folder["nowhere"];
        Dictionary<string, string> rows = await Doctor();
        Assert.StartsWith($"ANDREA_KERNEL_DIR names the folder '{_folder["nowhere"]}', which does not exist.", rows["edited kernels"], StringComparison.Ordinal);
        Assert.Equal("not compiled: they cannot be read", rows["kernels"]);
    }

    [Theory]
    [InlineData("train")]
    [InlineData("sample run")]
    [InlineData("bench optimizer")]
    [InlineData("bench step")]
    public async Task DeviceCuda_WithoutDriver_IsOneLine(string command)
    {
        SkipWhereADriverIs();
        string line = (await CliProcess.Run(_environment, [.. command.Split(' '), "--device", "cuda"])).FailedWith(ExitCode.Failed);
        Assert.StartsWith("CUDA is not usable: The CUDA driver cannot be used. Looked for ", line, StringComparison.Ordinal);
        Assert.EndsWith("use --device cpu.", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--device cuda")]
    [InlineData("--gpu 0")]
    [InlineData("--device auto --gpu 0")]
    public async Task DeviceCuda_WithTheRealDriverAndNoDevice_NamesTheErrorAndTheCure(string options)
    {
        TakeDriver();
        string line = (await CliProcess.Run(_environment, ["train", .. options.Split(' ')])).FailedWith(ExitCode.Failed);
        Assert.StartsWith("CUDA is not usable: ", line, StringComparison.Ordinal);
        Assert.Contains("CUDA_ERROR_NO_DEVICE", line, StringComparison.Ordinal);
        Assert.Contains("Check that 'nvidia-smi' shows a GPU", line, StringComparison.Ordinal);
        Assert.EndsWith("use --device cpu.", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DeviceAuto_WithTheRealDriverAndNoDevice_TrainsOnTheCpuWithoutAWord()
    {
        TakeDriver();
        _folder.Write("book.txt", System.Text.Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("the cat sat on the mat. ", 100))));
        CliRun run = (await CliProcess.Run(
            _environment, "train", "--data", _folder["book.txt"], "--preset", "tiny", "--batch", "1", "--threads", "1", "--steps", "1",
            "--sample-tokens", "0", "--out", _folder["run"])).Succeeded();
        Assert.Contains("; on CPU, 1 thread,", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Best_WithTheRealDriverAndNoDevice_IsTheCpuAndSaysWhy()
    {
        TakeDriver();
        string text = InstructionSetRunner.Fingerprint<BestDevice>("all", (LoaderVariable, _environment[LoaderVariable]));
        Assert.StartsWith("cpu; GPU likely: False; The CUDA driver libcuda.so.1 cannot be started: cuInit(0) failed with CUDA_ERROR_NO_DEVICE", text,
            StringComparison.Ordinal);
    }

    private sealed class BestDevice : IFingerprint
    {
        public static string Fingerprint()
        {
            using Device device = Device.Best(out string? whyNotCuda);
            return $"{device.Name}; GPU likely: {Andrea.Cuda.Diagnosis.GpuPresence.IsLikely()}; {whyNotCuda}";
        }
    }

    private static void SkipWhereADriverIs() => Assert.SkipWhen(
        LibrarySearch.ForDriver(SearchPlaces.Here).Candidates().Any(candidate => NativeLibrary.TryLoad(candidate, out _)), "This machine has a driver.");

    private void TakeDriver() => _environment[LoaderVariable] = Path.GetDirectoryName(TestNvrtc.FetchedFile("driver/libcuda.so.1"));

    private void TakeNvrtc() => _environment[LibrarySearch.NvrtcPathVariable] = Path.GetDirectoryName(TestNvrtc.FetchedFile("libnvrtc.so.12"));

    /// <summary>The doctor's rows by name; the lines below a row belong to it.</summary>
    private async Task<Dictionary<string, string>> Doctor()
    {
        CliRun run = (await CliProcess.Run(_environment, "doctor")).Succeeded();
        var rows = new Dictionary<string, string>();
        string name = "";
        foreach (string line in run.Output.TrimEnd().Split('\n'))
        {
            string beginning = line.PadRight(16)[..16].Trim(), value = line.Length > 16 ? line[16..] : "";
            if (beginning.Length > 0)
                rows.Add(name = beginning, value);
            else
                rows[name] += $"\n{value}";
        }
        return rows;
    }
}
