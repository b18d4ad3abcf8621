namespace Andrea.Cli.Rendering;

/// <summary>Paths in command lines that are shown to be copied.</summary>
internal static class ShellWord
{
    // Those that no shell takes for anything but themselves; the backslash only where it divides folders.
    private const string Plain = "/._-+=:@%,";

    /// <summary>The path as it is, or in quotes where a shell would not take it as one word.</summary>
    public static string Of(string path) => Of(path, OperatingSystem.IsWindows());

    internal static string Of(string path, bool isWindows)
    {
        if (path.All(c => char.IsLetterOrDigit(c) || Plain.Contains(c, StringComparison.Ordinal) || (isWindows && c == '\\')))
            return path;
        return isWindows ? $"\"{path}\"" : $"'{path.Replace("'", "'\\''", StringComparison.Ordinal)}'";
    }
}
