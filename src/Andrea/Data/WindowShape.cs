namespace Andrea.Data;

/// <summary>The shape of a batch, (B, T), checked against the tokens it is to be cut from.</summary>
internal readonly record struct WindowShape
{
    public WindowShape(TokenSequence tokens, int batchSize, int contextLength)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        if (batchSize < 1)
            throw new ArgumentOutOfRangeException(nameof(batchSize), batchSize, $"The batch size is {batchSize}; expected at least 1.");
        if (contextLength < 1)
        {
            throw new ArgumentOutOfRangeException(
                nameof(contextLength), contextLength, $"The context is {contextLength} tokens; expected at least 1.");
        }
        if ((long)batchSize * contextLength > Array.MaxLength)
        {
            throw new ArgumentOutOfRangeException(
                nameof(batchSize), batchSize, $"A batch has {batchSize} x {contextLength} tokens; expected at most {Array.MaxLength} in all.");
        }
        if (tokens.Length <= contextLength)
        {
            throw new TrainingDataException(
                $"The {tokens.Name} of the data has {tokens.Length} tokens, but a context of {contextLength} takes at least "
                + $"{contextLength + 1L}; give more text, a shorter context, or another validation fraction.");
        }
        BatchSize = batchSize;
        ContextLength = contextLength;
        LastOffset = tokens.Length - contextLength - 1;
    }

    /// <summary>B: number of windows.</summary>
    public int BatchSize { get; }

    /// <summary>T: tokens in a window.</summary>
    public int ContextLength { get; }

    /// <summary>Where the last possible window begins; the first begins at 0.</summary>
    public long LastOffset { get; }

    public void CheckBuffers(ReadOnlySpan<int> inputs, ReadOnlySpan<int> targets)
    {
        int length = BatchSize * ContextLength;
        if (inputs.Length != length || targets.Length != length)
        {
            throw new ArgumentException(
                $"Inputs have {inputs.Length} and targets {targets.Length} elements; expected {BatchSize} x {ContextLength} = {length} each.");
        }
    }

    /// <summary>Writes the window that begins at an offset to a row: inputs[row, t] = tokens[offset + t], and
    /// targets[row, t] = tokens[offset + t + 1].</summary>
    public void CopyWindow(TokenSequence tokens, long offset, int row, Span<int> inputs, Span<int> targets)
    {
        tokens.CopyTo(offset, inputs.Slice(row * ContextLength, ContextLength));
        tokens.CopyTo(offset + 1, targets.Slice(row * ContextLength, ContextLength));
    }
}
