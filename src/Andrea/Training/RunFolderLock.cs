using Andrea.Training.Checkpoints;

namespace Andrea.Training;

/// <summary>Keeps a second process, or a second trainer, from writing into the same run folder. Ends with the process, however it ends.</summary>
internal sealed class RunFolderLock : IDisposable
{
    private readonly FileStream _file;

    private RunFolderLock(FileStream file) => _file = file;

    /// <summary>Creates the folder if need be and takes its lock.</summary>
    /// <exception cref="CheckpointException">Somebody else holds it, or the folder cannot be written to.</exception>
    public static RunFolderLock Take(string runFolder)
    {
        string path = Path.Combine(runFolder, ".lock");
        try
        {
            Directory.CreateDirectory(runFolder);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(
                $"The run folder '{runFolder}' cannot be created ({exception.Message.TrimEnd('.')}). Choose a folder that you may write to.", exception);
        }
        try
        {
            return new RunFolderLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new CheckpointException($"The run folder '{runFolder}' cannot be written to ({exception.Message.TrimEnd('.')}). Choose another.", exception);
        }
        catch (IOException exception)
        {
            throw new CheckpointException(
                $"The run folder '{runFolder}' is in use by another run, or cannot be locked ({exception.Message.TrimEnd('.')}). Choose another folder.", exception);
        }
    }

    public void Dispose() => _file.Dispose();
}
