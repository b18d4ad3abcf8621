namespace Andrea.Cli.Training;

/// <summary>Names the folders of runs that were given none.</summary>
internal static class RunFolders
{
    private const string Parent = "runs";

    /// <summary>The first of runs/NAME-1, runs/NAME-2, ... that does not exist yet.</summary>
    public static string Next(string name, string? parent = null)
    {
        for (int number = 1; ; number++)
        {
            string path = Path.Combine(parent ?? Parent, FormattableString.Invariant($"{name}-{number}"));
            if (!Path.Exists(path))
                return path;
        }
    }
}
