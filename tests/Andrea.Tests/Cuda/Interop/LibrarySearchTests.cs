using Andrea.Cuda.Interop;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.Interop;

/// <summary>Where libraries are looked for, on made-up machines.</summary>
public sealed class LibrarySearchTests : IDisposable
{
    private readonly TemporaryFolder _machine = new();
    private readonly Dictionary<string, string> _variables = [];

    [Fact]
    public void Nvrtc_OnAnEmptyMachine_IsLeftToTheLoaderAlone() =>
        Assert.Equal(["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so"], LibrarySearch.ForNvrtc(Linux()).Candidates());

    [Fact]
    public void Nvrtc_NamedFolder_IsTheOnlyPlace()
    {
        Put("usr/local/cuda/lib64/libnvrtc.so.13");
        string wanted = Put("mine/libnvrtc.so.12");
        _variables["ANDREA_NVRTC_PATH"] = Path.GetDirectoryName(wanted)!;
        Assert.Equal([wanted], LibrarySearch.ForNvrtc(Linux()).Candidates());
    }

    [Fact]
    public void Nvrtc_NamedFile_IsTakenUnderAnyName()
    {
        string wanted = Put("mine/libnvrtc-5a2c.so.12");
        _variables["ANDREA_NVRTC_PATH"] = wanted;
        Assert.Equal([wanted], LibrarySearch.ForNvrtc(Linux()).Candidates());
    }

    [Fact]
    public void Nvrtc_NamedFolderWithoutIt_HasNoCandidate()
    {
        _variables["ANDREA_NVRTC_PATH"] = _machine["nowhere"];
        LibrarySearch search = LibrarySearch.ForNvrtc(Linux());
        Assert.Empty(search.Candidates());
        Assert.Equal([_machine["nowhere"]], search.Folders);
    }

    [Fact]
    public void Nvrtc_InManyPlaces_IsFoundInAllOfThemNewestFirst()
    {
        string[] expected =
        [
            Put("app/libnvrtc.so.12"),
            Put("app/runtimes/linux-x64/native/libnvrtc.so.12"),
            Put("named/lib64/libnvrtc.so.11.2"),
            Put("usr/local/cuda-12.10/targets/x86_64-linux/lib/libnvrtc.so.12"),
            Put("usr/local/cuda-12.9/lib64/libnvrtc.so.12"),
            Put("opt/cuda/lib64/libnvrtc.so.13"),
            Put("env/lib/python3.13/site-packages/nvidia/cu13/lib/libnvrtc.so.13"),
            Put("env/lib/python3.13/site-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.12"),
            Put("home/.local/lib/python3.12/site-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.12"),
            Put("usr/local/lib/python3.11/dist-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.12"),
        ];
        _variables["CUDA_PATH"] = _machine["named"];
        _variables["VIRTUAL_ENV"] = _machine["env"];
        _variables["HOME"] = _machine["home"];
        Assert.Equal(expected, LibrarySearch.ForNvrtc(Linux()).Candidates().Where(Path.IsPathRooted));
    }

    [Fact]
    public void Nvrtc_OnWindows_HasWindowsNamesAndFolders()
    {
        string[] expected =
        [
            Put("app/nvrtc64_120_0.dll"),
            Put("programs/NVIDIA GPU Computing Toolkit/CUDA/v13.0/bin/x64/nvrtc64_130_0.dll"),
            Put("programs/NVIDIA GPU Computing Toolkit/CUDA/v12.9/bin/nvrtc64_120_0.dll"),
            Put("local/Programs/Python/Python313/Lib/site-packages/nvidia/cu13/bin/x86_64/nvrtc64_130_0.dll"),
            Put("local/Programs/Python/Python313/Lib/site-packages/torch/lib/nvrtc64_112_0.dll"),
        ];
        _variables["ProgramFiles"] = _machine["programs"];
        _variables["LOCALAPPDATA"] = _machine["local"];
        LibrarySearch search = LibrarySearch.ForNvrtc(Linux() with { IsWindows = true });
        Assert.Equal([.. search.Names, .. expected], search.Candidates());
        Assert.DoesNotContain(search.Names, name => name.Contains(".so", StringComparison.Ordinal));
    }

    [Fact]
    public void Nvrtc_OnArm_LooksIntoArmFolders()
    {
        string wanted = Put("usr/local/cuda/targets/sbsa-linux/lib/libnvrtc.so.13");
        Put("usr/local/cuda/targets/x86_64-linux/lib/libnvrtc.so.13");
        Assert.Equal([wanted], LibrarySearch.ForNvrtc(Linux() with { Machine = "aarch64" }).Candidates().Where(Path.IsPathRooted));
    }

    [Fact]
    public void CublasLt_InManyPlaces_IsFoundInAllOfThemNewestFirst()
    {
        string[] expected =
        [
            Put("app/libcublasLt.so.12"),
            Put("usr/local/cuda-13.0/lib64/libcublasLt.so.13"),
            Put("env/lib/python3.13/site-packages/nvidia/cu13/lib/libcublasLt.so.13"),
            Put("env/lib/python3.13/site-packages/nvidia/cublas/lib/libcublasLt.so.12"),
        ];
        Put("usr/local/cuda-13.0/lib64/libcublas.so.13");
        _variables["VIRTUAL_ENV"] = _machine["env"];
        Assert.Equal(["libcublasLt.so.13", "libcublasLt.so.12", .. expected], LibrarySearch.ForCublasLt(Linux()).Candidates());
    }

    [Fact]
    public void CublasLt_NamedFolder_IsTheOnlyPlace()
    {
        Put("usr/local/cuda/lib64/libcublasLt.so.13");
        string wanted = Put("mine/libcublasLt.so.12");
        _variables["ANDREA_CUBLAS_PATH"] = Path.GetDirectoryName(wanted)!;
        _variables["ANDREA_NVRTC_PATH"] = _machine["elsewhere"];
        Assert.Equal([wanted], LibrarySearch.ForCublasLt(Linux()).Candidates());
    }

    [Fact]
    public void CublasLt_OnWindows_HasWindowsNamesAndFolders()
    {
        string[] expected =
        [
            Put("programs/NVIDIA GPU Computing Toolkit/CUDA/v13.0/bin/x64/cublasLt64_13.dll"),
            Put("local/Programs/Python/Python313/Lib/site-packages/nvidia/cublas/bin/cublasLt64_12.dll"),
            Put("local/Programs/Python/Python313/Lib/site-packages/torch/lib/cublasLt64_12.dll"),
        ];
        _variables["ProgramFiles"] = _machine["programs"];
        _variables["LOCALAPPDATA"] = _machine["local"];
        Assert.Equal(
            ["cublasLt64_13.dll", "cublasLt64_12.dll", .. expected], LibrarySearch.ForCublasLt(Linux() with { IsWindows = true }).Candidates());
    }

    [Fact]
    public void Driver_HasTheNamesOfTheSystem()
    {
        Assert.Equal("libcuda.so.1", LibrarySearch.ForDriver(Linux()).Candidates().First());
        Assert.Equal("nvcuda.dll", Assert.Single(LibrarySearch.ForDriver(Linux() with { IsWindows = true }).Candidates()));
    }

    public void Dispose() => _machine.Dispose();

    private SearchPlaces Linux() => new(_variables.GetValueOrDefault, IsWindows: false, _machine["app"], _machine.Path) { Machine = "x86_64" };

    private string Put(string name) => _machine.Write(name, "not a library"u8);
}
