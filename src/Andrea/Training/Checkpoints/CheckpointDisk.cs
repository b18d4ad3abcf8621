using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Andrea.Training.Checkpoints;

/// <summary>The few operations that change a disk when a checkpoint is written. Tests put a disk in its place that fills up or loses its
/// power.</summary>
/// <remarks>Failures are <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>.</remarks>
internal partial class CheckpointDisk
{
    /// <summary>The disk of this machine.</summary>
    public static CheckpointDisk Real { get; } = new();

    /// <summary>Creates or empties a file.</summary>
    public virtual Stream CreateFile(string path) =>
        new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 1 << 16);

    /// <summary>Returns when what was written to the file is on the disk itself and not only in the system's memory.</summary>
    public virtual void FlushFile(Stream file) => ((FileStream)file).Flush(flushToDisk: true);

    public virtual void CreateFolder(string path) => Directory.CreateDirectory(path);

    /// <summary>Returns when the folder's entries - files created, renamed or deleted in it - are on the disk itself.</summary>
    /// <remarks>Windows neither offers nor needs it: NTFS journals names. A refusal costs nothing but durability across a power cut.</remarks>
    public virtual void FlushFolder(string path)
    {
        if (OperatingSystem.IsWindows())
            return;
        const int readOnly = 0;
        using var folder = new SafeFileHandle(Open(path, readOnly), ownsHandle: true);
        if (!folder.IsInvalid)
            RandomAccess.FlushToDisk(folder);
    }

    /// <summary>Renames a folder; the new name must be free. Either all of it happens or nothing.</summary>
    public virtual void MoveFolder(string from, string to) => Directory.Move(from, to);

    /// <summary>Renames a file, replacing what has the new name. Either all of it happens or nothing.</summary>
    public virtual void MoveFile(string from, string to) => File.Move(from, to, overwrite: true);

    public virtual void DeleteFolder(string path) => Directory.Delete(path, recursive: true);

    public virtual void DeleteFile(string path) => File.Delete(path);

    /// <summary>Creates a folder and those above it where they are missing, and flushes the new names.</summary>
    public void EnsureFolder(string path)
    {
        if (Directory.Exists(path))
            return;
        string? parent = Path.GetDirectoryName(path);
        if (parent is not null)
            EnsureFolder(parent);
        CreateFolder(path);
        if (parent is not null)
            FlushFolder(parent);
    }

    /// <summary>Writes a whole file and flushes it; the name is not yet safe until the folder is flushed, too.</summary>
    public FileDigest WriteFile(string path, Action<TensorWriter> write)
    {
        using Stream stream = CreateFile(path);
        using var writer = new TensorWriter(stream);
        write(writer);
        FlushFile(stream);
        return writer.Finish();
    }

    /// <summary>Writes a file under a temporary name beside it and renames it, so that a crash leaves the old file or the new one.</summary>
    /// <exception cref="CheckpointException">The disk is full, or refuses.</exception>
    public void ReplaceFile(string path, long neededBytes, Action<TensorWriter> write)
    {
        string fullPath = Path.GetFullPath(path);
        string folder = Path.GetDirectoryName(fullPath) ?? throw new ArgumentException($"'{path}' is no path of a file.", nameof(path));
        string temporary = Path.Combine(folder, ".tmp-" + Path.GetFileName(fullPath));
        try
        {
            EnsureFolder(folder);
            WriteFile(temporary, write);
            MoveFile(temporary, fullPath);
            FlushFolder(folder);
        }
        catch (Exception exception) when (IsRefusal(exception))
        {
            TryTo(() => DeleteFile(temporary));
            throw CheckpointException.CannotWrite("The file", path, neededBytes, exception);
        }
    }

    /// <summary>Does what a failure may not stop: cleaning up.</summary>
    public static void TryTo(Action action)
    {
        try
        {
            action();
        }
        catch (Exception exception) when (IsRefusal(exception))
        {
            // What stays behind is hidden under a temporary name and tried again at the next save.
        }
    }

    /// <summary>Whether the operating system refused, rather than Andrea having a defect.</summary>
    public static bool IsRefusal(Exception exception) => exception is IOException or UnauthorizedAccessException;

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);
}
