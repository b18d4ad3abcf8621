using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Andrea.Cuda.Interop;

/// <summary>The folders of one machine in which NVIDIA's libraries are installed. Tests make up a machine.</summary>
/// <param name="Variable">Value of an environment variable, null when it is not set or empty.</param>
/// <param name="IsWindows">Windows, else Linux.</param>
/// <param name="ApplicationFolder">Where Andrea.dll lies.</param>
/// <param name="Root">What absolute folders of Linux begin with: "/".</param>
internal sealed partial record SearchPlaces(Func<string, string?> Variable, bool IsWindows, string ApplicationFolder, string Root)
{
    /// <summary>This machine.</summary>
    public static SearchPlaces Here { get; } = new(
        name => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null,
        OperatingSystem.IsWindows(), AppContext.BaseDirectory, "/");

    /// <summary>The processor's name in Linux folders.</summary>
    public string Machine { get; init; } = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "aarch64" : "x86_64";

    /// <summary>The application's own folder, and where NuGet packages put native files.</summary>
    public IEnumerable<string> ApplicationFolders()
    {
        string system = IsWindows ? "win" : "linux", processor = Machine == "aarch64" ? "arm64" : "x64";
        return [ApplicationFolder, Path.Combine(ApplicationFolder, "runtimes", $"{system}-{processor}", "native")];
    }

    /// <summary>CUDA toolkits: those that variables name, then those in the usual places, newest first.</summary>
    public IEnumerable<string> ToolkitFolders()
    {
        IEnumerable<string> named = Named("CUDA_PATH", "CUDA_HOME", "CUDA_ROOT");
        IEnumerable<string> usual = IsWindows
            ? Named("ProgramFiles").SelectMany(folder => Below(Path.Combine(folder, "NVIDIA GPU Computing Toolkit", "CUDA"), "v*"))
            : [Path.Combine(Root, "usr/local/cuda"), .. Below(Path.Combine(Root, "usr/local"), "cuda-*"), Path.Combine(Root, "opt/cuda")];
        string[] libraryFolders = IsWindows
            ? ["bin", Path.Combine("bin", "x64")]
            : ["lib64", "lib", $"targets/{(Machine == "aarch64" ? "sbsa" : Machine)}-linux/lib"];
        return from toolkit in named.Concat(usual).Distinct()
               from folder in libraryFolders
               select Path.Combine(toolkit, folder);
    }

    /// <summary>NVIDIA's Python packages (as PyTorch installs them) in the active environment, the user's and the system's Python.</summary>
    public IEnumerable<string> WheelFolders()
    {
        string library = IsWindows ? "bin" : "lib";
        string[] insidePackages =
        [
            Path.Combine("nvidia", "cu13", library), Path.Combine("nvidia", "cu13", library, "x86_64"),
            Path.Combine("nvidia", "cuda_nvrtc", library), Path.Combine("nvidia", "cublas", library), Path.Combine("torch", "lib"),
        ];
        IEnumerable<string> conda = Named("CONDA_PREFIX")
            .Select(folder => IsWindows ? Path.Combine(folder, "Library", "bin") : Path.Combine(folder, "lib"));
        return conda.Concat(from packages in PackageFolders() from inside in insidePackages select Path.Combine(packages, inside));
    }

    private IEnumerable<string> PackageFolders()
    {
        if (IsWindows)
            return
            [
                .. Named("VIRTUAL_ENV", "CONDA_PREFIX").Select(folder => Path.Combine(folder, "Lib", "site-packages")),
                .. Named("APPDATA").SelectMany(folder => Below(Path.Combine(folder, "Python"), "Python3*"))
                    .Select(folder => Path.Combine(folder, "site-packages")),
                .. Named("LOCALAPPDATA").SelectMany(folder => Below(Path.Combine(folder, "Programs", "Python"), "Python3*"))
                    .Select(folder => Path.Combine(folder, "Lib", "site-packages")),
            ];
        IEnumerable<string> prefixes =
        [
            .. Named("VIRTUAL_ENV", "CONDA_PREFIX"), .. Named("HOME").Select(home => Path.Combine(home, ".local")),
            .. Named("PYENV_ROOT").SelectMany(folder => Below(Path.Combine(folder, "versions"), "3*")),
            Path.Combine(Root, "usr/local"), Path.Combine(Root, "usr"),
        ];
        return from prefix in prefixes
               from python in Below(Path.Combine(prefix, "lib"), "python3*")
               from packages in new[] { "site-packages", "dist-packages" }
               where Directory.Exists(Path.Combine(python, packages))
               select Path.Combine(python, packages);
    }

    private IEnumerable<string> Named(params string[] variables) => variables.Select(Variable).OfType<string>();

    /// <summary>Folders that match a pattern, those with higher version numbers first; a folder that cannot be read counts as empty.</summary>
    private static IEnumerable<string> Below(string folder, string pattern)
    {
        try
        {
            return Directory.Exists(folder) ? Directory.GetDirectories(folder, pattern).OrderByDescending(VersionOf) : [];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>What the last part of a path ends with: 12.10 for cuda-12.10, so that it comes before 12.9; 3.13 as 313 for Python313.</summary>
    private static Version VersionOf(string path) =>
        Version.TryParse(TrailingNumbers().Match(path).Value, out Version? version) ? version
        : int.TryParse(TrailingNumbers().Match(path).ValueSpan, CultureInfo.InvariantCulture, out int number) ? new Version(number, 0)
        : new Version();

    [GeneratedRegex(@"\d+(\.\d+)*$")]
    private static partial Regex TrailingNumbers();
}
