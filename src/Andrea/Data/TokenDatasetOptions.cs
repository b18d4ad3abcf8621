namespace Andrea.Data;

/// <summary>How text becomes a <see cref="TokenDataset"/>.</summary>
public sealed record TokenDatasetOptions
{
    /// <summary>Share of the tokens, from the end, that is held back from training: the validation part. 0 holds back nothing.</summary>
    /// <value>0.1; in [0, 1).</value>
    /// <exception cref="ArgumentOutOfRangeException">Not in [0, 1).</exception>
    public double ValidationFraction
    {
        get;
        init => field = value is >= 0 and < 1 ? value : throw new ArgumentOutOfRangeException(
            nameof(ValidationFraction), value, $"The validation fraction is {value}; expected at least 0 and less than 1, such as 0.1.");
    } = 0.1;

    /// <summary>Whether <see cref="Tokenizer.BeginningOfText"/>, where the tokenizer has it, is put before each document, so that the
    /// model learns where one begins.</summary>
    /// <value>true.</value>
    public bool MarkDocuments { get; init; } = true;
}
