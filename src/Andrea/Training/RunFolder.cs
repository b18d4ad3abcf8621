using Andrea.Training.Checkpoints;

namespace Andrea.Training;

/// <summary>Where things lie in a run's folder.</summary>
internal static class RunFolder
{
    public static string CheckpointsOf(string runFolder) => Path.Combine(runFolder, "checkpoints");

    public static string MetricsOf(string runFolder) => Path.Combine(runFolder, "metrics.jsonl");

    public static string GradientsOf(string runFolder) => Path.Combine(runFolder, "gradients.jsonl");

    /// <summary>The checkpoint that a path means: itself, or the newest finite one of a run.</summary>
    /// <exception cref="CheckpointException">There is none, or the newest is damaged.</exception>
    public static string FindCheckpoint(string path)
    {
        if (File.Exists(Path.Combine(path, CheckpointManifest.FileName)))
            return path;
        if (!Directory.Exists(path))
            throw new CheckpointException($"There is no folder '{path}'. Pass the folder of a run, such as runs/NAME, or of one of its checkpoints.");
        var store = new CheckpointStore(CheckpointsOf(path));
        if (store.Latest() is { } latest)
            return latest.Path;
        throw new CheckpointException(store.List().Count > 0
            ? $"Every checkpoint in the folder '{path}' holds NaN or Inf, so that training could only go on with NaN. Begin a new run, with a lower learning rate or a clip; to look at one all the same, pass its own folder."
            : $"The folder '{path}' has no checkpoint. Pass the folder of a run that has written one, or of a checkpoint.");
    }

    /// <summary>The run that a checkpoint belongs to, or null for a checkpoint that lies elsewhere.</summary>
    public static string? OfCheckpoint(string checkpoint)
    {
        string? parent = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(checkpoint)));
        return parent is not null && Path.GetFileName(parent) == "checkpoints" ? Path.GetDirectoryName(parent) : null;
    }

    /// <summary>Refuses to go on from a checkpoint into a folder where saving would in time delete others: another run's, or this run's later ones.</summary>
    /// <exception cref="CheckpointException">There are such.</exception>
    public static void RefuseToLose(string? runFolder, string checkpoint)
    {
        if (runFolder is null)
            return;
        if (OfCheckpoint(checkpoint) is not { } own || Path.GetFullPath(runFolder) != own)
        {
            RefuseIfTaken(runFolder);
            return;
        }
        CheckpointEntry? latest = new CheckpointStore(CheckpointsOf(runFolder)).List().LastOrDefault(entry => entry.IsFinite);
        if (latest is not null && latest.Path != Path.TrimEndingDirectorySeparator(Path.GetFullPath(checkpoint)))
            throw new CheckpointException(
                $"The run in '{runFolder}' has gone on to step {latest.Name.Step} since this checkpoint. Resume the run itself, or choose another folder to branch off from here.");
    }

    /// <summary>Refuses a folder in which another run has checkpoints, which saving would in time delete.</summary>
    /// <exception cref="CheckpointException">It has some.</exception>
    public static void RefuseIfTaken(string runFolder)
    {
        int count = new CheckpointStore(CheckpointsOf(runFolder)).List().Count;
        if (count > 0)
            throw new CheckpointException(
                $"The folder '{runFolder}' already has {count} checkpoints of an earlier run. Resume that run, or choose another folder.");
    }
}
