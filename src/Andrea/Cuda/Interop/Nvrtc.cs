using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Andrea.Cuda.Compilation;

namespace Andrea.Cuda.Interop;

/// <summary>The real NVRTC, of CUDA 11.2 to 13.</summary>
internal sealed unsafe partial class Nvrtc : INvrtc
{
    private const string Advice =
        "Install NVRTC of CUDA 11.2 to 13: with the CUDA toolkit, or 'pip install nvidia-cuda-nvrtc-cu12', or on Debian and Ubuntu the package"
        + " libnvrtc12; and where it lies elsewhere, set " + LibrarySearch.NvrtcPathVariable + " to its folder.";

    private const int CompilationError = 6;

    private Nvrtc(LoadedLibrary library)
    {
        Library = library.Path;
        Check(Native.nvrtcVersion(out int major, out int minor));
        Version = new Version(major, minor);
    }

    public string Library { get; }

    public Version Version { get; }

    /// <summary>Loads NVRTC, once for the process.</summary>
    /// <param name="newestMajor">The driver's CUDA version; code of a newer NVRTC is not sure to run on it. By default any.</param>
    /// <exception cref="CudaUnavailableException">It is not installed, not completely, or too new.</exception>
    public static Nvrtc Load(int newestMajor = int.MaxValue) => Load(LibrarySearch.ForNvrtc(SearchPlaces.Here), newestMajor);

    internal static Nvrtc Load(LibrarySearch search, int newestMajor = int.MaxValue) =>
        new(NativeLibraries.Connect(
            NativeLibraries.Nvrtc,
            () => LibraryLoader.Load("NVRTC, NVIDIA's run-time compiler,", search, Advice, library => Inspect(library, newestMajor))));

    /// <summary>NVRTC opens its built-in functions at the first compilation, by bare name. Loads them now, from beside it, so that they
    /// are missed early.</summary>
    internal static string? Inspect(LoadedLibrary library, int newestMajor = int.MaxValue)
    {
        if (!NativeLibrary.TryGetExport(library.Handle, nameof(Native.nvrtcVersion), out nint export))
            return "its nvrtcVersion is missing, so it is no NVRTC";
        int major, minor;
        if (((delegate* unmanaged<int*, int*, int>)export)(&major, &minor) != 0)
            return "its version cannot be read";
        if (major > newestMajor)
            return $"its version is {major}.{minor}, but the driver is of CUDA {newestMajor}; install that NVRTC, or a newer driver";
        string builtins = OperatingSystem.IsWindows() ? $"nvrtc-builtins64_{major}{minor}.dll" : $"libnvrtc-builtins.so.{major}.{minor}";
        string? folder = Path.GetDirectoryName(library.Path);
        bool found = (!string.IsNullOrEmpty(folder) && NativeLibrary.TryLoad(Path.Combine(folder, builtins), out _))
            || NativeLibrary.TryLoad(builtins, out _);
        return found ? null : $"its companion {builtins} is neither beside it nor known to the system; install the whole package";
    }

    public IReadOnlyList<int> GetArchitectures()
    {
        Check(Native.nvrtcGetNumSupportedArchs(out int count));
        var architectures = new int[count];
        fixed (int* target = architectures)
            Check(Native.nvrtcGetSupportedArchs(target));
        return architectures;
    }

    public nint CreateProgram(string source, string name, IReadOnlyList<KernelSource> headers)
    {
        using var headerTexts = new Utf8Array(headers.Select(header => header.Text));
        using var headerNames = new Utf8Array(headers.Select(header => header.Name));
        Check(Native.nvrtcCreateProgram(out nint program, source, name, headers.Count, headerTexts.Pointers, headerNames.Pointers));
        return program;
    }

    public void DestroyProgram(nint program) => _ = Native.nvrtcDestroyProgram(ref program);

    public bool CompileProgram(nint program, IReadOnlyList<string> options)
    {
        using var texts = new Utf8Array(options);
        int result = Native.nvrtcCompileProgram(program, options.Count, texts.Pointers);
        if (result == CompilationError)
            return false;
        Check(result, $"nvrtcCompileProgram({string.Join(' ', options)})");
        return true;
    }

    public string GetLog(nint program)
    {
        Check(Native.nvrtcGetProgramLogSize(program, out nuint size));
        var log = new byte[size];
        fixed (byte* target = log)
            Check(Native.nvrtcGetProgramLog(program, target));
        return Encoding.UTF8.GetString(log).TrimEnd('\0');
    }

    public byte[] GetPtx(nint program)
    {
        Check(Native.nvrtcGetPTXSize(program, out nuint size));
        var ptx = new byte[size];
        fixed (byte* target = ptx)
            Check(Native.nvrtcGetPTX(program, target));
        return ptx;
    }

    public byte[] GetCubin(nint program)
    {
        Check(Native.nvrtcGetCUBINSize(program, out nuint size));
        var cubin = new byte[size];
        fixed (byte* target = cubin)
            Check(Native.nvrtcGetCUBIN(program, target));
        return cubin;
    }

    private static void Check(int result, [CallerArgumentExpression(nameof(result))] string call = "")
    {
        if (result == 0)
            return;
        string name = Marshal.PtrToStringUTF8(Native.nvrtcGetErrorString(result)) ?? "an unknown error";
        throw new CudaException(call.Replace("Native.", "", StringComparison.Ordinal), result, name, "see NVRTC's documentation.");
    }

    private static partial class Native
    {
        [LibraryImport(NativeLibraries.Nvrtc)]
        public static partial int nvrtcVersion(out int major, out int minor);

        [LibraryImport(NativeLibraries.Nvrtc)]
        public static partial int nvrtcGetNumSupportedArchs(out int count);

        [LibraryImport(NativeLibraries.Nvrtc)]
        public static partial int nvrtcGetSupportedArchs(int* architectures);

        [LibraryImport(NativeLibraries.Nvrtc)]
        public static partial nint nvrtcGetErrorString(int result);

        [LibraryImport(NativeLibraries.Nvrtc, StringMarshalling = StringMarshalling.Utf8)]
        public static partial int nvrtcCreateProgram(
            out nint program, string source, string name, int headerCount, byte** headers, byte** headerNames);

        [LibraryImport(NativeLibraries.Nvrtc)]
        public static partial int nvrtcDestroyProgram(ref nint program);

        [LibraryImport(NativeLibraries.Nvrtc)]
        public static partial int nvrtcCompileProgram(nint program, int optionCount, byte** options);

        [LibraryImport(NativeLibraries.Nvrtc)]
        public static partial int nvrtcGetProgramLogSize(nint program, out nuint size);

        [LibraryImport(NativeLibraries.Nvrtc)]
        public static partial int nvrtcGetProgramLog(nint program, byte* log);

        [LibraryImport(NativeLibraries.Nvrtc)]
        public static partial int nvrtcGetPTXSize(nint program, out nuint size);

        [LibraryImport(NativeLibraries.Nvrtc)]
        public static partial int nvrtcGetPTX(nint program, byte* ptx);

        [LibraryImport(NativeLibraries.Nvrtc)]
        public static partial int nvrtcGetCUBINSize(nint program, out nuint size);

        [LibraryImport(NativeLibraries.Nvrtc)]
        public static partial int nvrtcGetCUBIN(nint program, byte* cubin);
    }
}
