using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Andrea.Cuda.Interop;

/// <summary>A native library in this process. Never unloaded: the CUDA libraries have threads and exit handlers of their own.</summary>
/// <param name="Path">As it was loaded: a path, or the bare name that the system's loader resolved.</param>
/// <param name="Handle">The loader's handle.</param>
internal sealed record LoadedLibrary(string Path, nint Handle);

/// <summary>Loads the first library of a search that works, and can say why none did.</summary>
internal static partial class LibraryLoader
{
    /// <summary>Looks at a library that has just been loaded: null when it is usable, else what is wrong with it.</summary>
    public delegate string? Inspection(LoadedLibrary library);

    /// <exception cref="CudaUnavailableException">None worked; the message lists what was tried, and <paramref name="advice"/>.</exception>
    public static LoadedLibrary Load(string subject, LibrarySearch search, string advice, Inspection? inspect = null)
    {
        var failures = new List<string>();
        foreach (string candidate in search.Candidates())
        {
            if (!TryLoad(candidate, out LoadedLibrary? library, out string? problem))
                failures.Add(problem);
            else if (inspect?.Invoke(library) is { } complaint)
                failures.Add($"{candidate}: {complaint}");
            else
                return library;
        }
        throw new CudaUnavailableException($"{subject} cannot be used. {Describe(search, failures)} {advice}");
    }

    private static bool TryLoad(string path, [NotNullWhen(true)] out LoadedLibrary? library, [NotNullWhen(false)] out string? problem)
    {
        (library, problem) = (null, null);
        try
        {
            library = new LoadedLibrary(path, NativeLibrary.Load(path));
            return true;
        }
        catch (Exception error) when (error is DllNotFoundException or BadImageFormatException)
        {
            // On Linux .NET's first line is advice about strace; what the loader says follows, and begins with the path.
            string[] lines = error.Message.Split('\n', StringSplitOptions.TrimEntries);
            problem = lines.FirstOrDefault(line => line.StartsWith(path, StringComparison.Ordinal)) ?? $"{path}: {lines[0]}";
            return false;
        }
    }

    private static string Describe(LibrarySearch search, List<string> failures)
    {
        string names = string.Join(", ", search.Names);
        // Those that exist as they are; a machine with ten Pythons has sixty that do not, which differ in version numbers only.
        IEnumerable<string> folders = search.Folders.Select(folder => Directory.Exists(folder) ? folder : VersionNumber().Replace(folder, "*")).Distinct();
        string places = string.Join(", ", search.UseLoader ? folders.Prepend("the system's library path") : folders);
        // A bare name that the loader does not know is no news; a file that exists and fails is.
        string[] surprising = [.. failures.Where(failure => Path.IsPathRooted(failure) || failure.Contains(": its ", StringComparison.Ordinal))];
        string details = surprising.Length == 0 ? "" : $" What was found does not work: {string.Join("; ", surprising)}.";
        return $"Looked for {names} in: {places}.{details}";
    }

    [GeneratedRegex(@"\d+(\.\d+)+")]
    private static partial Regex VersionNumber();
}
