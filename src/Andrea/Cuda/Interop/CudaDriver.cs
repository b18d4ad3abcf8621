using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Andrea.Cuda.Interop;

/// <summary>The real CUDA driver, of CUDA 11.4 or newer: imports are private, so every call is checked.</summary>
internal sealed unsafe partial class CudaDriver : ICudaDriver
{
    private const string Advice =
        "It comes with the driver of an NVIDIA GPU: install that driver, version 525 or newer (in a container, start it with '--gpus all'),"
        + " or train on the CPU.";

    // The first one with every function below.
    private const int OldestVersion = 11_040;

    // What made the GPU's context unusable, for the messages of all that fails after it.
    private CudaException? _firstFatal;

    private CudaDriver(LoadedLibrary library)
    {
        Library = library.Path;
        Check(Native.cuDriverGetVersion(out int version));
        Version = version;
    }

    public string Library { get; }

    public int Version { get; }

    /// <summary>Loads the driver, once for the process; starts nothing.</summary>
    /// <exception cref="CudaUnavailableException">There is none.</exception>
    public static CudaDriver Load() => Load(LibrarySearch.ForDriver(SearchPlaces.Here));

    internal static CudaDriver Load(LibrarySearch search)
    {
        LoadedLibrary library = NativeLibraries.Connect(NativeLibraries.Driver, () => LibraryLoader.Load("The CUDA driver", search, Advice, Inspect));
        var driver = new CudaDriver(library);
        int version = driver.Version;
        return version >= OldestVersion
            ? driver
            : throw new CudaUnavailableException(
                $"The CUDA driver {library.Path} supports CUDA {version / 1000}.{version / 10 % 100}; at least 11.4 is needed. {Advice}");
    }

    /// <summary>The oldest and the newest function that every driver in question has: what lacks one is no driver, or only a stand-in.</summary>
    private static string? Inspect(LoadedLibrary library)
    {
        string? missing = ((string[])[nameof(Native.cuDriverGetVersion), nameof(Native.cuInit), nameof(Native.cuStreamBeginCapture_v2)])
            .FirstOrDefault(name => !NativeLibrary.TryGetExport(library.Handle, name, out _));
        return missing is null ? null : $"its {missing} is missing, so it is no usable driver";
    }

    public (string Name, string Text) Describe(CudaResult result)
    {
        string name = Native.cuGetErrorName(result, out nint nameText) == CudaResult.Success ? Text(nameText) : $"CUDA_ERROR_{(int)result}";
        string text = Native.cuGetErrorString(result, out nint description) == CudaResult.Success
            ? Text(description)
            : "an error that this driver does not know";
        return (name, text);
    }

    public void Initialize() => Check(Native.cuInit(0));

    public int GetDeviceCount()
    {
        Check(Native.cuDeviceGetCount(out int count));
        return count;
    }

    public int GetDevice(int ordinal)
    {
        Check(Native.cuDeviceGet(out int device, ordinal));
        return device;
    }

    public string GetDeviceName(int device)
    {
        const int Size = 256;
        byte* name = stackalloc byte[Size];
        Check(Native.cuDeviceGetName(name, Size, device));
        return Text((nint)name);
    }

    public long GetDeviceTotalBytes(int device)
    {
        Check(Native.cuDeviceTotalMem_v2(out nuint bytes, device));
        return (long)bytes;
    }

    public int GetDeviceAttribute(int device, CudaDeviceAttribute attribute)
    {
        Check(Native.cuDeviceGetAttribute(out int value, attribute, device));
        return value;
    }

    public nint RetainPrimaryContext(int device)
    {
        Check(Native.cuDevicePrimaryCtxRetain(out nint context, device));
        return context;
    }

    public CudaResult ReleasePrimaryContext(int device) => Native.cuDevicePrimaryCtxRelease_v2(device);

    public void SetCurrentContext(nint context) => Check(Native.cuCtxSetCurrent(context));

    public nint GetCurrentContext()
    {
        Check(Native.cuCtxGetCurrent(out nint context));
        return context;
    }

    public int GetCurrentDevice()
    {
        Check(Native.cuCtxGetDevice(out int device));
        return device;
    }

    public void SynchronizeContext() => Check(Native.cuCtxSynchronize());

    public nint LoadModule(ReadOnlySpan<byte> image)
    {
        const int LogBytes = 4096;
        byte* log = stackalloc byte[LogBytes];
        log[0] = 0;
        // CU_JIT_ERROR_LOG_BUFFER and its size; an option's value is written into the pointer itself.
        int* options = stackalloc int[] { 5, 6 };
        void** values = stackalloc void*[] { log, (void*)LogBytes };
        CudaResult result;
        nint module;
        fixed (byte* code = image)
            result = Native.cuModuleLoadDataEx(out module, code, 2, options, values);
        Check(result, $"cuModuleLoadDataEx({image.Length} bytes)", Text((nint)log));
        return module;
    }

    public CudaResult UnloadModule(nint module) => Native.cuModuleUnload(module);

    public nint GetFunction(nint module, string name)
    {
        Check(Native.cuModuleGetFunction(out nint function, module, name), $"cuModuleGetFunction(\"{name}\")");
        return function;
    }

    public int GetFunctionAttribute(nint function, CudaFunctionAttribute attribute)
    {
        Check(Native.cuFuncGetAttribute(out int value, attribute, function));
        return value;
    }

    public void SetMaxDynamicShared(nint function, int bytes) =>
        Check(Native.cuFuncSetAttribute(function, CudaFunctionAttribute.MaxDynamicSharedBytes, bytes));

    public void LaunchKernel(nint function, in LaunchShape shape, nint stream, void** arguments) => Check(Native.cuLaunchKernel(
        function, shape.GridX, shape.GridY, shape.GridZ, shape.BlockX, shape.BlockY, shape.BlockZ, shape.SharedBytes, stream, arguments, null));

    private void Check(CudaResult result, [CallerArgumentExpression(nameof(result))] string call = "", string details = "")
    {
        if (result != CudaResult.Success)
            Throw(result, call, details);
    }

    private void Throw(CudaResult result, string call, string details)
    {
        (string name, string text) = Describe(result);
        string explanation = details.Length == 0 ? $"{text}." : $"{text}. {details}";
        var error = new CudaException(ShortCall(call), (int)result, name, explanation, result.IsSticky(), _firstFatal);
        if (result.IsSticky())
            _ = Interlocked.CompareExchange(ref _firstFatal, error, null);
        throw error;
    }

    /// <summary>The call without the words that only C# needs, on one line.</summary>
    private static string ShortCall(string call) => new StringBuilder(call)
        .Replace("Native.", "").Replace("out ", "").Replace("(nuint)", "").Replace("\r", "").Replace("\n", "").Replace("    ", "").ToString();

    private static string Text(nint text) => Marshal.PtrToStringUTF8(text) ?? "";
}
