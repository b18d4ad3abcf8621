using System.ComponentModel;
using System.Diagnostics;

namespace Andrea.Cuda.Interop;

/// <summary>Says where the system's loader found a library that it was asked for by bare name.</summary>
internal static class LibraryLocation
{
    /// <summary>The path of a loaded library; the name as it is where the system does not say.</summary>
    /// <param name="library">A path, which is returned as it is, or a name such as <c>libcuda.so.1</c>.</param>
    public static string Of(string library)
    {
        if (Path.IsPathRooted(library))
            return library;
        // What is mapped is the file behind all links: libcuda.so.550.163.01 for libcuda.so.1.
        int versions = library.IndexOf(".so", StringComparison.Ordinal);
        string beginning = versions < 0 ? library : library[..(versions + ".so".Length)];
        try
        {
            using var process = Process.GetCurrentProcess();
            return process.Modules.Cast<ProcessModule>().Select(module => module.FileName)
                .FirstOrDefault(path => Path.GetFileName(path).StartsWith(beginning, StringComparison.OrdinalIgnoreCase)) ?? library;
        }
        catch (Exception error) when (error is Win32Exception or IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return library;
        }
    }
}
