namespace Andrea.Cuda.Interop;

/// <summary>Where one of NVIDIA's libraries may lie, in the order to try; knows paths only and loads nothing.</summary>
/// <param name="Names">File names, newest version first.</param>
/// <param name="Folders">Folders to look in besides those that the system's loader knows; not all of them exist.</param>
/// <param name="UseLoader">Whether the system's loader is asked too, before the folders.</param>
internal sealed record LibrarySearch(IReadOnlyList<string> Names, IReadOnlyList<string> Folders, bool UseLoader)
{
    /// <summary>What to try: bare names for the loader, and the files that exist.</summary>
    public IEnumerable<string> Candidates()
    {
        if (UseLoader)
            foreach (string name in Names)
                yield return name;
        foreach (string folder in Folders)
            foreach (string name in Names)
                if (File.Exists(Path.Combine(folder, name)))
                    yield return Path.Combine(folder, name);
    }

    /// <summary>The driver comes with the GPU's driver package, which puts it where the loader finds it, some systems apart.</summary>
    public static LibrarySearch ForDriver(SearchPlaces places) => places.IsWindows
        ? new(["nvcuda.dll"], [], UseLoader: true)
        : new(
            ["libcuda.so.1", "libcuda.so"],
            // WSL, Debian and Ubuntu, Red Hat, NixOS.
            ["/usr/lib/wsl/lib", $"/usr/lib/{places.Machine}-linux-gnu", "/usr/lib64", "/run/opengl-driver/lib"],
            UseLoader: true);

    /// <summary>NVRTC may come with a toolkit, a Python package, or the application.</summary>
    public static LibrarySearch ForNvrtc(SearchPlaces places)
    {
        // NVRTC's file name says the major version only, but for CUDA 11, where 11.2 stands for all later ones.
        string[] names = places.IsWindows
            ? ["nvrtc64_130_0.dll", "nvrtc64_120_0.dll", "nvrtc64_112_0.dll"]
            : ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so"];
        return Installed(places, names, NvrtcPathVariable);
    }

    /// <summary>cuBLASLt comes from the same places; it needs no library of NVIDIA's but the driver.</summary>
    public static LibrarySearch ForCublasLt(SearchPlaces places)
    {
        string[] names = places.IsWindows ? ["cublasLt64_13.dll", "cublasLt64_12.dll"] : ["libcublasLt.so.13", "libcublasLt.so.12"];
        return Installed(places, names, CublasPathVariable);
    }

    /// <summary>The environment variable that names NVRTC's folder or file; nothing else is tried then.</summary>
    public const string NvrtcPathVariable = "ANDREA_NVRTC_PATH";

    /// <summary>The same for cuBLASLt.</summary>
    public const string CublasPathVariable = "ANDREA_CUBLAS_PATH";

    private static LibrarySearch Installed(SearchPlaces places, string[] names, string variable)
    {
        if (places.Variable(variable) is not { } given)
            return new(names, [.. places.ApplicationFolders(), .. places.ToolkitFolders(), .. places.WheelFolders()], UseLoader: true);
        bool isFile = File.Exists(given);
        return new(isFile ? [Path.GetFileName(given)] : names, [isFile ? Path.GetDirectoryName(Path.GetFullPath(given))! : Path.GetFullPath(given)], UseLoader: false);
    }
}
