using System.IO.Enumeration;

namespace Andrea.Data;

/// <summary>Finds the text files that a path stands for.</summary>
internal static class TextFiles
{
    public static readonly string[] Extensions =
    [
        // Prose and what people write by hand around it.
        ".txt", ".text", ".md", ".markdown", ".rst", ".adoc", ".org", ".tex",
        // Source code. Not data (.json, .csv, .xml, .html): much mark-up, little language.
        ".c", ".cc", ".cpp", ".cs", ".cu", ".cuh", ".fs", ".go", ".h", ".hpp", ".hs", ".java", ".js", ".kt", ".lua", ".php", ".pl", ".py",
        ".r", ".rb", ".rs", ".scala", ".sh", ".sql", ".swift", ".ts", ".vb",
    ];

    /// <summary>The file itself, or the text files of a folder in their order.</summary>
    public static IReadOnlyList<string> Find(string path)
    {
        if (!Directory.Exists(path))
        {
            return File.Exists(path)
                ? [path]
                : throw new FileNotFoundException($"There is no file or folder '{path}'; check the path, or give - for standard input.", path);
        }
        string[] files = [.. Enumerate(path)];
        if (files.Length == 0)
        {
            throw new TrainingDataException(
                $"The folder '{path}' has no text files; looked for {string.Join(' ', Extensions)}. Name other files one by one.");
        }
        Array.Sort(files, (left, right) => string.CompareOrdinal(WithSlashes(left), WithSlashes(right)));
        return files;
    }

    private static FileSystemEnumerable<string> Enumerate(string folder)
    {
        // AttributesToSkip = 0: hidden names are seen to below, the same way on every system.
        var options = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = false, AttributesToSkip = 0 };
        return new FileSystemEnumerable<string>(folder, (ref FileSystemEntry entry) => entry.ToSpecifiedFullPath(), options)
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => !entry.IsDirectory && !IsHidden(ref entry) && IsText(entry.FileName),
            // A link to a folder can lead in a circle.
            ShouldRecursePredicate = (ref FileSystemEntry entry) => !IsHidden(ref entry) && (entry.Attributes & FileAttributes.ReparsePoint) == 0,
        };
    }

    private static bool IsHidden(ref FileSystemEntry entry) => entry.FileName.StartsWith('.');

    private static bool IsText(ReadOnlySpan<char> fileName)
    {
        foreach (string extension in Extensions)
        {
            if (fileName.EndsWith(extension, StringComparison.OrdinalIgnoreCase))
                return true;
        }
        return false;
    }

    private static string WithSlashes(string path) => path.Replace(Path.DirectorySeparatorChar, '/');
}
