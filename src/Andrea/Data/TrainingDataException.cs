namespace Andrea.Data;

/// <summary>Data or a tokenizer that cannot be trained with. The message is one sentence for the person who gave it: what is wrong, and
/// what to do.</summary>
public class TrainingDataException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="message">What happened with which value, what was expected, what to do.</param>
    internal TrainingDataException(string message)
        : base(message)
    {
    }

    internal static TrainingDataException Empty(TextSource source) => new(source.Documents is [TextDocument only]
        ? $"There is not one character in {only.Name}; give data with text in it."
        : $"There is not one character in the {source.Documents.Count} documents that were given; give data with text in it.");
}
