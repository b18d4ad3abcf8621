namespace Andrea.Cli.Commands;

/// <summary>What encode and decode read.</summary>
internal static class TokenizerInput
{
    /// <summary>Opens a file, or standard input for null and -.</summary>
    public static Stream Open(string? path, Terminal terminal)
    {
        if (path is null or "-")
            return terminal.OpenInput();
        if (Directory.Exists(path))
            throw new CommandException($"'{path}' is a folder; give a file, or - for standard input.");
        return File.OpenRead(path);
    }
}
