using Andrea.Cli.Training;

namespace Andrea.Cli.Live;

/// <summary>The runs that may be looked at: names on one side, folders on the other. Nothing else of the disk can be named.</summary>
/// <remarks>Looked up anew each time, so that runs that begin later appear. From any thread.</remarks>
internal sealed class RunList
{
    private static readonly string[] Signs = ["metrics.jsonl", "run.json", DataChoice.FileName];

    private readonly Func<IEnumerable<string>> _folders;
    private volatile string? _shown;

    /// <summary>None, until one is shown.</summary>
    public RunList() => _folders = () => _shown is { } folder && Directory.Exists(folder) ? [folder] : [];

    private RunList(Func<IEnumerable<string>> folders) => _folders = folders;

    /// <summary>The run in a folder, or the runs in folders below it.</summary>
    public static RunList Below(string folder) => new(() => IsRun(folder) ? [Path.GetFullPath(folder)] : RunsIn(folder));

    /// <summary>From now on it is this run, as soon as its folder is there.</summary>
    public void Show(string folder) => _shown = Path.GetFullPath(folder);

    /// <summary>Name and full path of each, sorted by name.</summary>
    public IReadOnlyList<(string Name, string Folder)> All() =>
        [.. _folders().Select(folder => (Name: NameOf(folder), Folder: folder)).OrderBy(run => run.Name, StringComparer.Ordinal)];

    /// <summary>The folder of a run; null when there is none of this name.</summary>
    public string? Find(string name) => All().FirstOrDefault(run => run.Name == name).Folder;

    private static bool IsRun(string folder) => Signs.Any(name => File.Exists(Path.Combine(folder, name)));

    private static IEnumerable<string> RunsIn(string folder)
    {
        try
        {
            return [.. Directory.GetDirectories(Path.GetFullPath(folder)).Where(IsRun)];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // It went away, and its runs with it.
            return [];
        }
    }

    private static string NameOf(string folder)
    {
        string path = Path.TrimEndingDirectorySeparator(folder);
        return Path.GetFileName(path) is { Length: > 0 } name ? name : path;
    }
}
