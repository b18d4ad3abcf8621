using System.Runtime.CompilerServices;

namespace Andrea.Tests.Support;

/// <summary>One file of C# source: its path below the repository's root with '/' between folders, and its text.</summary>
public sealed record SourceFile(string Path, string Text);

/// <summary>The repository that this test program was built from, for tests that read it.</summary>
public static class SourceTree
{
    /// <summary>The repository's root; skips the calling test, visibly, where the sources are not there.</summary>
    public static string Root()
    {
        string? root = Find(ThisFile()) ?? Find(AppContext.BaseDirectory);
        if (root is null)
            Assert.Skip("The sources that this test reads are neither where they were compiled nor above the test program.");
        return root!;
    }

    /// <summary>All C# files below the given folders, build output left out.</summary>
    public static SourceFile[] Read(params ReadOnlySpan<string> folders)
    {
        string root = Root();
        var files = new List<SourceFile>();
        foreach (string folder in folders)
        {
            IEnumerable<string> paths = Directory.EnumerateFiles(Path.Combine(root, folder), "*.cs", SearchOption.AllDirectories);
            foreach (string path in paths.Order(StringComparer.Ordinal))
            {
                string relative = Path.GetRelativePath(root, path).Replace('\\', '/');
                if (!relative.Contains("/obj/", StringComparison.Ordinal) && !relative.Contains("/bin/", StringComparison.Ordinal))
                    files.Add(new SourceFile(relative, File.ReadAllText(path)));
            }
        }
        return [.. files];
    }

    private static string? Find(string start)
    {
        for (string? folder = Path.GetDirectoryName(start); folder is not null; folder = Path.GetDirectoryName(folder))
            if (File.Exists(Path.Combine(folder, "Andrea.sln")))
                return folder;
        return null;
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
