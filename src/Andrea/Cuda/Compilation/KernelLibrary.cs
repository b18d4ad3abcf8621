using System.Reflection;

namespace Andrea.Cuda.Compilation;

/// <summary>The kernels' source files: those inside Andrea.dll, or edited ones from a folder that the environment names.</summary>
internal sealed class KernelLibrary
{
    /// <summary>Environment variable with a folder whose <c>.cu</c> and <c>.cuh</c> files take the place of ours of the same name.</summary>
    public const string FolderVariable = "ANDREA_KERNEL_DIR";

    private const string ResourcePrefix = "kernels/";

    private readonly SortedDictionary<string, string> _texts;

    /// <summary>Reads all files.</summary>
    /// <param name="folder">Folder with edited files, or null.</param>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    public KernelLibrary(string? folder)
    {
        Folder = folder;
        _texts = Embedded();
        if (folder is null)
            return;
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException(
                $"{FolderVariable} names the folder '{folder}', which does not exist. Create it, or unset the variable to use the built-in kernels.");
        Edited = [.. Directory.EnumerateFiles(folder).Where(path => Path.GetExtension(path) is ".cu" or ".cuh").Select(Path.GetFileName).Order()!];
        foreach (string name in Edited)
            _texts[name] = File.ReadAllText(Path.Combine(folder, name));
    }

    /// <summary>The files of this process.</summary>
    public static KernelLibrary FromEnvironment() =>
        new(Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } folder ? folder : null);

    /// <summary>Where edited files come from, or null.</summary>
    public string? Folder { get; }

    /// <summary>Names of the files that come from <see cref="Folder"/>.</summary>
    public IReadOnlyList<string> Edited { get; } = [];

    /// <summary>Names of the files that hold kernels.</summary>
    public IEnumerable<string> Kernels => _texts.Keys.Where(name => name.EndsWith(".cu", StringComparison.Ordinal));

    /// <summary>What kernels include.</summary>
    public IReadOnlyList<KernelSource> Headers =>
        [.. from file in _texts where file.Key.EndsWith(".cuh", StringComparison.Ordinal) select new KernelSource(file.Key, file.Value)];

    public KernelSource Read(string name) => new(name, _texts[name]);

    private static SortedDictionary<string, string> Embedded()
    {
        var texts = new SortedDictionary<string, string>(StringComparer.Ordinal);
        Assembly assembly = typeof(KernelLibrary).Assembly;
        foreach (string resource in assembly.GetManifestResourceNames())
        {
            if (!resource.StartsWith(ResourcePrefix, StringComparison.Ordinal))
                continue;
            using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
            texts.Add(resource[ResourcePrefix.Length..], reader.ReadToEnd());
        }
        return texts;
    }
}
