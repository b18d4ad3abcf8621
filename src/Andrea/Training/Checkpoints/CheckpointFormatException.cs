namespace Andrea.Training.Checkpoints;

/// <summary>A checkpoint, or a file of weights, is refused: cut off, damaged, of another format or version, or made for another model.</summary>
/// <remarks>It is thrown before the first parameter is overwritten. The message is one sentence for people: which file, what was found,
/// what was expected, what to do.</remarks>
public sealed class CheckpointFormatException : CheckpointException
{
    /// <summary>Makes an exception with a message for people.</summary>
    /// <param name="message">Which file, what was found, what was expected, what to do.</param>
    /// <param name="innerException">The parser's failure, if there was one.</param>
    internal CheckpointFormatException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
