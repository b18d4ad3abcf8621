namespace Andrea.Training.Checkpoints;

/// <summary>The checkpoints of one run, each a folder of its own beside the others. Saving never touches one that is there; old ones are
/// deleted afterwards.</summary>
/// <remarks>
/// <para><b>Atomic.</b> A checkpoint is written under a hidden temporary name, every file is flushed to the disk, then the folder is
/// renamed and the rename flushed. Killed at any moment, the process leaves all earlier checkpoints as they were; what it left half-written
/// or half-deleted has a hidden name, is never listed, and goes at the next save.</para>
/// <para><b>Kept</b> are the newest <c>keepLast</c> finite ones, the best by validation loss, the newest one if it is not finite (to look
/// into), the newest finite one whose coherence score was not low (to go back to), and every damaged one (somebody may want to rescue it). So a non-finite checkpoint never takes the place of a finite one.</para>
/// <para>One process may save into a folder; any number may read it meanwhile. Not thread-safe.</para>
/// </remarks>
internal sealed class CheckpointStore
{
    private const string TemporaryPrefix = ".tmp-";

    private readonly CheckpointDisk _disk;
    private readonly TimeProvider _time;
    private readonly int _keepLast;

    /// <param name="folder">Folder of the checkpoints; need not exist.</param>
    /// <param name="keepLast">How many of the newest finite checkpoints to keep, at least 1.</param>
    /// <param name="time">Clock for the time in state.json.</param>
    /// <param name="disk">Where to write; the machine's disk by default.</param>
    public CheckpointStore(string folder, int keepLast = 3, TimeProvider? time = null, CheckpointDisk? disk = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentOutOfRangeException.ThrowIfLessThan(keepLast, 1);
        Folder = Path.GetFullPath(folder);
        _keepLast = keepLast;
        _time = time ?? TimeProvider.System;
        _disk = disk ?? CheckpointDisk.Real;
    }

    /// <summary>Folder of the checkpoints, as a full path.</summary>
    public string Folder { get; }

    /// <summary>Writes a checkpoint, then deletes those that need not be kept.</summary>
    /// <returns>The new checkpoint; its state is marked when a tensor or loss is not finite.</returns>
    /// <exception cref="CheckpointException">The disk is full, or refuses; all earlier checkpoints are untouched.</exception>
    public CheckpointEntry Save(CheckpointState state, CheckpointTensors tensors)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(state.Step);
        CheckpointState stamped = state with { CreatedAt = _time.GetUtcNow(), Versions = CheckpointVersions.Current };
        CheckpointEntry saved;
        try
        {
            saved = Write(stamped, tensors);
        }
        catch (Exception exception) when (CheckpointDisk.IsRefusal(exception))
        {
            RemoveLeftovers();
            throw CheckpointException.CannotWrite(
                $"The checkpoint of step {state.Step}", Folder, CheckpointFolder.EstimateBytes(tensors), exception);
        }
        Prune();
        return saved;
    }

    /// <summary>All checkpoints, in the order in which they were saved. Only each one's state.json is read.</summary>
    public IReadOnlyList<CheckpointEntry> List() => [.. ListNames().Select(Open)];

    /// <summary>The newest finite checkpoint, or null when there is none.</summary>
    /// <param name="skipDamaged">False: a damaged newest one is an error, and data files are left to whoever loads it. True: every byte is
    /// checked and the newest intact one is returned.</param>
    /// <exception cref="CheckpointException">The newest checkpoint is damaged and <paramref name="skipDamaged"/> is false.</exception>
    public CheckpointEntry? Latest(bool skipDamaged = false)
    {
        foreach (CheckpointName name in ListNames().Reverse())
        {
            CheckpointEntry entry = Open(name);
            if (entry.Damage is { } damage && !skipDamaged)
                throw damage;
            if (entry.IsFinite && (!skipDamaged || IsIntact(entry)))
                return entry;
        }
        return null;
    }

    /// <summary>The finite checkpoint with the lowest validation loss, the earliest of equals; null when none was measured. Damaged ones
    /// are passed over.</summary>
    public CheckpointEntry? Best() => BestOf(List());

    private static CheckpointEntry? BestOf(IReadOnlyList<CheckpointEntry> entries) =>
        entries.Where(entry => entry.IsFinite && entry.State!.ValidationLoss is not null).MinBy(entry => entry.State!.ValidationLoss);

    private static bool IsIntact(CheckpointEntry entry)
    {
        try
        {
            CheckpointFolder.Verify(entry.Path);
            return true;
        }
        catch (CheckpointException)
        {
            return false;
        }
    }

    private CheckpointEntry Write(CheckpointState state, CheckpointTensors tensors)
    {
        _disk.EnsureFolder(Folder);
        RemoveLeftovers();
        CheckpointName[] names = ListNames();
        CheckpointName name = names.Length == 0 ? new CheckpointName(1, state.Step) : names[^1].Next(state.Step);
        string temporary = Path.Combine(Folder, TemporaryPrefix + name);
        string target = Path.Combine(Folder, name.ToString());
        CheckpointState written = CheckpointFolder.Write(_disk, temporary, state, tensors);
        _disk.MoveFolder(temporary, target);
        _disk.FlushFolder(Folder);
        return new CheckpointEntry(name, target, written, null);
    }

    private void Prune()
    {
        IReadOnlyList<CheckpointEntry> entries = List();
        var kept = new HashSet<CheckpointEntry>(entries.Where(entry => entry.IsFinite).TakeLast(_keepLast));
        if (BestOf(entries) is { } best)
            kept.Add(best);
        if (entries.LastOrDefault(entry => entry is { IsFinite: true, State.LowInARow: 0 }) is { } coherent)
            kept.Add(coherent);
        if (entries.Count > 0)
            kept.Add(entries[^1]);
        foreach (CheckpointEntry entry in entries)
        {
            if (entry.Damage is not null || kept.Contains(entry))
                continue;
            // Renamed first: deleting takes a while, and a half-deleted checkpoint must not look like a damaged one.
            string hidden = Path.Combine(Folder, TemporaryPrefix + "deleted-" + entry.Name);
            CheckpointDisk.TryTo(() =>
            {
                _disk.MoveFolder(entry.Path, hidden);
                _disk.DeleteFolder(hidden);
            });
        }
    }

    private void RemoveLeftovers()
    {
        if (Directory.Exists(Folder))
            foreach (string leftover in Directory.EnumerateDirectories(Folder, TemporaryPrefix + "*"))
                CheckpointDisk.TryTo(() => _disk.DeleteFolder(leftover));
    }

    private CheckpointName[] ListNames()
    {
        if (!Directory.Exists(Folder))
            return [];
        var names = new List<CheckpointName>();
        foreach (string path in Directory.EnumerateDirectories(Folder))
            if (CheckpointName.TryParse(Path.GetFileName(path), out CheckpointName name))
                names.Add(name);
        names.Sort();
        return [.. names];
    }

    private CheckpointEntry Open(CheckpointName name)
    {
        string path = Path.Combine(Folder, name.ToString());
        try
        {
            return new CheckpointEntry(name, path, CheckpointFolder.ReadState(path), null);
        }
        catch (CheckpointException exception)
        {
            return new CheckpointEntry(name, path, null, exception);
        }
    }
}
