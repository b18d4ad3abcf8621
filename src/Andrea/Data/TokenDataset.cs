namespace Andrea.Data;

/// <summary>Text as tokens in memory, in a training and a validation part, with the tokenizer that made them.</summary>
/// <remarks>
/// All documents in a row are one sequence of n tokens, of which the first floor(n (1 - ValidationFraction)) are for training and the
/// rest for validation, as in nanoGPT. So with several files the validation part is the end of the last ones. Memory: 2 bytes a token,
/// 4 if the vocabulary is above 65,536; the text itself is not kept. Immutable. Example:
/// <code>
/// TokenDataset data = TokenDataset.FromFiles(["books/"], "char");
/// var batches = new BatchSampler(data.Training, batchSize: 12, contextLength: 64, seed: 1);
/// batches.Fill(position: 0, inputs, targets);
/// </code>
/// </remarks>
public sealed class TokenDataset
{
    private TokenDataset(Tokenizer tokenizer, TokenStore store, long trainingLength)
    {
        store.TrimExcess();
        Tokenizer = tokenizer;
        Fingerprint = store.FingerprintWith((ulong)trainingLength);
        Training = new TokenSequence(store, 0, trainingLength, "training part");
        Validation = new TokenSequence(store, trainingLength, store.Length - trainingLength, "validation part");
    }

    /// <summary>The tokenizer that made the tokens.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>The part to train on.</summary>
    public TokenSequence Training { get; }

    /// <summary>The part to measure on; empty if nothing is held back.</summary>
    public TokenSequence Validation { get; }

    /// <summary>A 64-bit hash of the tokens and the split. A resumed run compares it, for on other data it would silently be another
    /// run.</summary>
    public ulong Fingerprint { get; }

    /// <summary>Reads files, folders and standard input; see <see cref="TextSource.FromFiles(IEnumerable{string})"/> for what the paths
    /// may be.</summary>
    /// <param name="paths">At least one.</param>
    /// <param name="tokenizerKind"><c>byte</c>, <c>char</c> or <c>harris-N</c>; see <see cref="Tokenizer.Create"/>.</param>
    /// <param name="options">Split and marks; null takes the defaults.</param>
    /// <exception cref="FileNotFoundException">A path does not exist.</exception>
    /// <exception cref="TrainingDataException">Text that is empty or not UTF-8, or a folder without text.</exception>
    public static TokenDataset FromFiles(IEnumerable<string> paths, string tokenizerKind, TokenDatasetOptions? options = null)
    {
        TextSource source = TextSource.FromFiles(paths);
        return Create(source, Tokenizer.Create(tokenizerKind, source), options);
    }

    /// <summary>Encodes one text from memory.</summary>
    /// <param name="text">At least one character.</param>
    /// <param name="tokenizerKind"><c>byte</c>, <c>char</c> or <c>harris-N</c>; see <see cref="Tokenizer.Create"/>.</param>
    /// <param name="options">Split and marks; null takes the defaults.</param>
    /// <exception cref="TrainingDataException">The text is empty, or has half a surrogate pair.</exception>
    public static TokenDataset FromText(string text, string tokenizerKind, TokenDatasetOptions? options = null)
    {
        TextSource source = TextSource.FromText(text);
        return Create(source, Tokenizer.Create(tokenizerKind, source), options);
    }

    /// <summary>Reads a source once and encodes it.</summary>
    /// <param name="source">At least one character.</param>
    /// <param name="tokenizer">For example the one of the checkpoint that is to be trained further.</param>
    /// <param name="options">Split and marks; null takes the defaults.</param>
    /// <exception cref="UnknownCharacterException">A character that the tokenizer has no token for.</exception>
    /// <exception cref="TrainingDataException">Text that is empty or not UTF-8.</exception>
    public static TokenDataset Create(TextSource source, Tokenizer tokenizer, TokenDatasetOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(tokenizer);
        options ??= new TokenDatasetOptions();
        TokenStore store = TokenStore.For(tokenizer.VocabularySize);
        foreach (TextDocument document in source.Documents)
            Encode(document, tokenizer, options.MarkDocuments ? tokenizer.BeginningOfText : null, store);
        if (store.Length == 0)
            throw TrainingDataException.Empty(source);
        return new TokenDataset(tokenizer, store, (long)(store.Length * (1 - options.ValidationFraction)));
    }

    /// <summary>Takes tokens that are there already, with a split of the caller's.</summary>
    /// <param name="training">Copied.</param>
    /// <param name="validation">Copied; may be empty.</param>
    /// <param name="tokenizer">The tokenizer that made them.</param>
    /// <exception cref="ArgumentOutOfRangeException">A token that the tokenizer does not have.</exception>
    public static TokenDataset FromTokens(ReadOnlySpan<int> training, ReadOnlySpan<int> validation, Tokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        TokenStore store = TokenStore.For(tokenizer.VocabularySize);
        foreach (int token in training)
            tokenizer.BytesOf(token);
        foreach (int token in validation)
            tokenizer.BytesOf(token);
        store.Append(training);
        store.Append(validation);
        return new TokenDataset(tokenizer, store, training.Length);
    }

    private static void Encode(TextDocument document, Tokenizer tokenizer, int? beginning, TokenStore store)
    {
        using Utf8BlockReader reader = document.OpenReader();
        while (reader.Read())
        {
            if (beginning is int token && !reader.Text.IsEmpty)
            {
                store.Append([token]);
                beginning = null;
            }
            try
            {
                reader.Advance(tokenizer.Encode(reader.Text, reader.IsFinal, store));
            }
            catch (UnknownCharacterException exception)
            {
                throw new UnknownCharacterException(exception.Character, exception.VocabularySize, reader.Offset + exception.Offset, document.Name);
            }
        }
    }
}
