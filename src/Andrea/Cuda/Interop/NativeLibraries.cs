using System.Reflection;
using System.Runtime.InteropServices;

namespace Andrea.Cuda.Interop;

/// <summary>Connects the names in our imports with the libraries that were found, whose real names carry versions.</summary>
internal static class NativeLibraries
{
    public const string Driver = "andrea-cuda-driver";
    public const string Nvrtc = "andrea-nvrtc";
    public const string CublasLt = "andrea-cublaslt";

    private static readonly Lock Gate = new();
    private static readonly Dictionary<string, LoadedLibrary> Known = [];
    private static bool _registered;

    /// <summary>The library behind an import's name: the one connected before, or the one that <paramref name="load"/> finds.</summary>
    public static LoadedLibrary Connect(string name, Func<LoadedLibrary> load)
    {
        lock (Gate)
        {
            if (Known.TryGetValue(name, out LoadedLibrary? library))
                return library;
            library = load();
            Known.Add(name, library);
            if (!_registered)
                NativeLibrary.SetDllImportResolver(typeof(NativeLibraries).Assembly, Resolve);
            _registered = true;
            return library;
        }
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        lock (Gate)
            return Known.TryGetValue(name, out LoadedLibrary? library) ? library.Handle : 0;
    }
}
