namespace Andrea.Training.Checkpoints;

/// <summary>A checkpoint, or a file of weights, could not be written or read: a full disk, a missing permission, a folder that is not
/// there.</summary>
/// <remarks>The message is one sentence for people: which file, what went wrong, what to do. Checkpoints written before are untouched.</remarks>
public class CheckpointException : IOException
{
    /// <summary>Makes an exception with a message for people.</summary>
    /// <param name="message">What happened to which file, what was expected, what to do.</param>
    internal CheckpointException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message for people and the failure beneath it.</summary>
    /// <param name="message">What happened to which file, what was expected, what to do.</param>
    /// <param name="innerException">The failure of the operating system or of the parser.</param>
    internal CheckpointException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>A failed write, in one sentence with path, cause and the bytes it takes.</summary>
    internal static CheckpointException CannotWrite(string what, string path, long neededBytes, Exception cause) =>
        new(
            $"{what} could not be written to '{path}' ({cause.Message.TrimEnd('.')}): it takes {neededBytes} bytes{FreeBytes(path)}. "
            + "Free some space or choose another folder; what was written before is untouched.",
            cause);

    private static string FreeBytes(string path)
    {
        try
        {
            return $" and {new DriveInfo(Path.GetFullPath(path)).AvailableFreeSpace} are free there";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // The sentence is complete without it.
            return "";
        }
    }
}
