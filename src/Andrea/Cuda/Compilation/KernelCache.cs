using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Andrea.Cuda.Compilation;

/// <summary>Keeps compiled kernels on disk, so that only the first start on a machine compiles.</summary>
/// <remarks>
/// One file per entry, named after a hash of everything the code depends on, and holding a hash of its contents: a torn or damaged entry
/// counts as missing and is written anew. Entries appear by renaming, so any number of processes may share the folder. A cache that cannot
/// be written costs time only; <see cref="Problem"/> says why.
/// </remarks>
internal sealed class KernelCache
{
    /// <summary>Environment variable with the folder to use; "off" for none.</summary>
    public const string FolderVariable = "ANDREA_CACHE_DIR";

    private const string Extension = ".kernel";

    // Changes with the format of entries, and so makes older ones unknown.
    private static readonly byte[] Format = "andrea kernel 1\n"u8.ToArray();

    /// <param name="folder">Where entries lie, made when the first is written; null keeps nothing.</param>
    public KernelCache(string? folder) => Folder = folder;

    /// <summary>The cache of this user, as <see cref="FolderVariable"/> or the system's habits say.</summary>
    public static KernelCache FromEnvironment() => new(FolderFor(Environment.GetEnvironmentVariable));

    public string? Folder { get; }

    /// <summary>Why the last entry could not be kept, or null.</summary>
    public string? Problem { get; private set; }

    /// <summary>The folder that the environment asks for.</summary>
    internal static string? FolderFor(Func<string, string?> variable)
    {
        if (variable(FolderVariable) is { Length: > 0 } given)
            return given.Equals("off", StringComparison.OrdinalIgnoreCase) ? null : Path.Combine(given, "kernels");
        string? root = OperatingSystem.IsWindows() ? variable("LOCALAPPDATA")
            : variable("XDG_CACHE_HOME") is { Length: > 0 } cache ? cache
            : variable("HOME") is { Length: > 0 } home ? Path.Combine(home, ".cache")
            : null;
        return string.IsNullOrEmpty(root) ? null : Path.Combine(root, "andrea", "kernels");
    }

    /// <summary>Names the code that a compilation would give: equal keys, equal code.</summary>
    public static string KeyOf(KernelSource source, IReadOnlyList<KernelSource> headers, IReadOnlyList<string> options, Version nvrtcVersion)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        // Each text goes in with its length, so that no two lists of texts run together to the same bytes.
        void Add(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            hash.AppendData(BitConverter.GetBytes(bytes.LongLength));
            hash.AppendData(bytes);
        }
        Add(nvrtcVersion.ToString());
        foreach (KernelSource file in (IEnumerable<KernelSource>)[source, .. headers])
        {
            Add(file.Name);
            Add(file.Text);
        }
        foreach (string option in options)
            Add(option);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Reads an entry; false when there is none, or none that can be trusted.</summary>
    public bool TryRead(string key, [NotNullWhen(true)] out byte[]? image)
    {
        image = null;
        if (Folder is null)
            return false;
        byte[] entry;
        try
        {
            entry = File.ReadAllBytes(PathOf(key));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
        int header = Format.Length + SHA256.HashSizeInBytes;
        if (entry.Length <= header || !entry.AsSpan().StartsWith(Format)
            || !SHA256.HashData(entry.AsSpan(header)).AsSpan().SequenceEqual(entry.AsSpan(Format.Length, SHA256.HashSizeInBytes)))
            return false;
        image = entry[header..];
        return true;
    }

    /// <summary>Keeps an entry, in place of any of the same key.</summary>
    public void Write(string key, byte[] image)
    {
        if (Folder is null)
            return;
        string temporary = PathOf($"{key}.{Guid.NewGuid():N}") + ".part";
        try
        {
            Directory.CreateDirectory(Folder);
            File.WriteAllBytes(temporary, [.. Format, .. SHA256.HashData(image), .. image]);
            File.Move(temporary, PathOf(key), overwrite: true);
            Problem = null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Problem = error.Message;
            TryDelete(temporary);
        }
    }

    /// <summary>How many entries there are, of any age and for any GPU, and the bytes they take.</summary>
    public (int Count, long Bytes) Measure()
    {
        if (Folder is null || !Directory.Exists(Folder))
            return (0, 0);
        try
        {
            FileInfo[] entries = new DirectoryInfo(Folder).GetFiles("*" + Extension);
            return (entries.Length, entries.Sum(entry => entry.Length));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Gone or forbidden since: nothing that could be used.
            return (0, 0);
        }
    }

    /// <summary>Tries whether entries could be kept, making the folder if need be: null when they could, else why not.</summary>
    public string? WhyNotWritable()
    {
        if (Folder is null)
            return null;
        string probe = Path.Combine(Folder, $"{Guid.NewGuid():N}.part");
        try
        {
            Directory.CreateDirectory(Folder);
            File.WriteAllBytes(probe, Format);
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return error.Message;
        }
        finally
        {
            TryDelete(probe);
        }
    }

    private string PathOf(string key) => Path.Combine(Folder!, key + Extension);

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Nothing depends on it being gone.
        }
    }
}
