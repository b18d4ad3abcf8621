namespace Andrea.Data;

/// <summary>Text as tokens in memory, in a training and a validation part, with the tokenizer that made them.</summary>
/// <remarks>
/// All documents of a source in a row are one sequence of n tokens, of which the first floor(n (1 - ValidationFraction)) are for training and the
/// rest for validation, as in nanoGPT. So with several files the validation part is the end of the last ones. Several named sources are
/// split one by one, under one tokenizer. Memory: 2 bytes a token, 4 if the vocabulary is above 65,536; the text itself is not kept.
/// Immutable. Example:
/// <code>
/// TokenDataset data = TokenDataset.FromFiles(["books/"], "char");
/// var batches = new BatchSampler(data.Training, batchSize: 12, contextLength: 64, seed: 1);
/// batches.Fill(position: 0, inputs, targets);
/// </code>
/// </remarks>
public sealed class TokenDataset
{
    private const string OnlySource = "data";

    private TokenDataset(Tokenizer tokenizer, TokenStore store, IReadOnlyList<SourceLength> lengths)
    {
        store.TrimExcess();
        Tokenizer = tokenizer;
        Fingerprint = FingerprintOf(store, lengths);
        bool several = lengths.Count > 1;
        var training = new TokenSequence.Stretch[lengths.Count];
        var validation = new TokenSequence.Stretch[lengths.Count];
        var sources = new DataSource[lengths.Count];
        long start = 0;
        for (int i = 0; i < lengths.Count; i++)
        {
            SourceLength length = lengths[i];
            string of = several ? $" of '{length.Name}'" : "";
            training[i] = new(start, length.Training);
            validation[i] = new(start + length.Training, length.Validation);
            sources[i] = new DataSource(
                length.Name, new TokenSequence(store, [training[i]], "training part" + of), new TokenSequence(store, [validation[i]], "validation part" + of));
            start += length.Training + length.Validation;
        }
        Sources = sources;
        Training = new TokenSequence(store, training, "training part");
        Validation = new TokenSequence(store, validation, "validation part");
    }

    /// <summary>The tokenizer that made the tokens.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>The sources, at least one, in the order given.</summary>
    public IReadOnlyList<DataSource> Sources { get; }

    /// <summary>The part to train on: that of all sources, one after the other.</summary>
    public TokenSequence Training { get; }

    /// <summary>The part to measure on, of all sources; empty if nothing is held back.</summary>
    public TokenSequence Validation { get; }

    /// <summary>A 64-bit hash of the tokens, the split, and the names of several sources. A resumed run compares it, for on other data it
    /// would silently be another run.</summary>
    public ulong Fingerprint { get; }

    /// <summary>Reads files, folders and standard input; see <see cref="TextSource.FromFiles(IEnumerable{string})"/> for what the paths
    /// may be.</summary>
    /// <param name="paths">At least one.</param>
    /// <param name="tokenizerKind"><c>byte</c>, <c>char</c> or <c>harris-N</c>; see <see cref="Tokenizer.Create"/>.</param>
    /// <param name="options">Split and marks; null takes the defaults.</param>
    /// <returns>All tokens, with the tokenizer that made them.</returns>
    /// <exception cref="FileNotFoundException">A path does not exist.</exception>
    /// <exception cref="TrainingDataException">Text that is empty or not UTF-8, or a folder without text.</exception>
    /// <exception cref="ArgumentException">There is no such kind of tokenizer.</exception>
    public static TokenDataset FromFiles(IEnumerable<string> paths, string tokenizerKind, TokenDatasetOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(tokenizerKind);
        TextSource source = TextSource.FromFiles(paths);
        return Create(source, Tokenizer.Create(tokenizerKind, source), options);
    }

    /// <summary>Encodes one text from memory.</summary>
    /// <param name="text">At least one character.</param>
    /// <param name="tokenizerKind"><c>byte</c>, <c>char</c> or <c>harris-N</c>; see <see cref="Tokenizer.Create"/>.</param>
    /// <param name="options">Split and marks; null takes the defaults.</param>
    /// <returns>All tokens, with the tokenizer that made them.</returns>
    /// <exception cref="TrainingDataException">The text is empty, or has half a surrogate pair.</exception>
    /// <exception cref="ArgumentException">There is no such kind of tokenizer.</exception>
    public static TokenDataset FromText(string text, string tokenizerKind, TokenDatasetOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentNullException.ThrowIfNull(tokenizerKind);
        TextSource source = TextSource.FromText(text);
        return Create(source, Tokenizer.Create(tokenizerKind, source), options);
    }

    /// <summary>Reads several sources once each and encodes them; each is split into a training and a validation part of its own.</summary>
    /// <param name="sources">At least one, each with a name of its own.</param>
    /// <param name="tokenizer">For all of them; see <see cref="TextSource.Join"/> for one that is fitted to all.</param>
    /// <param name="options">Split and marks; null takes the defaults.</param>
    /// <returns>The tokens of all sources; <see cref="Sources"/> tells them apart.</returns>
    /// <exception cref="TrainingDataException">No source, a name twice or that cannot be one, or text that is empty or not UTF-8.</exception>
    /// <exception cref="UnknownCharacterException">A character that the tokenizer has no token for.</exception>
    /// <exception cref="InvalidOperationException">A source holds a stream that has been read already.</exception>
    public static TokenDataset Create(IReadOnlyList<NamedText> sources, Tokenizer tokenizer, TokenDatasetOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(sources);
        ArgumentNullException.ThrowIfNull(tokenizer);
        CheckNames(sources);
        options ??= new TokenDatasetOptions();
        TokenStore store = TokenStore.For(tokenizer.VocabularySize);
        var lengths = new List<SourceLength>();
        foreach (NamedText source in sources)
        {
            long before = store.Length;
            foreach (TextDocument document in source.Text.Documents)
                Encode(document, tokenizer, options.MarkDocuments ? tokenizer.BeginningOfText : null, store);
            if (store.Length == before)
                throw TrainingDataException.Empty(source.Text);
            lengths.Add(SourceLength.Split(source.Name, store.Length - before, options));
        }
        return new TokenDataset(tokenizer, store, lengths);
    }

    /// <summary>Reads a source once and encodes it.</summary>
    /// <param name="source">At least one character.</param>
    /// <param name="tokenizer">For example the one of the checkpoint that is to be trained further.</param>
    /// <param name="options">Split and marks; null takes the defaults.</param>
    /// <returns>All tokens.</returns>
    /// <exception cref="UnknownCharacterException">A character that the tokenizer has no token for.</exception>
    /// <exception cref="TrainingDataException">Text that is empty or not UTF-8.</exception>
    /// <exception cref="InvalidOperationException">The source holds a stream that has been read already.</exception>
    public static TokenDataset Create(TextSource source, Tokenizer tokenizer, TokenDatasetOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        return Create([new NamedText(OnlySource, source)], tokenizer, options);
    }

    /// <summary>Takes tokens that are there already, with a split of the caller's.</summary>
    /// <param name="training">Copied.</param>
    /// <param name="validation">Copied; may be empty.</param>
    /// <param name="tokenizer">The tokenizer that made them.</param>
    /// <returns>The tokens as they were split.</returns>
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
        return new TokenDataset(tokenizer, store, [new SourceLength(OnlySource, training.Length, validation.Length)]);
    }

    private static void CheckNames(IReadOnlyList<NamedText> sources)
    {
        if (sources.Count == 0)
            throw new TrainingDataException("No source was given; give at least one, with a name and text.");
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < sources.Count; i++)
        {
            NamedText source = sources[i];
            if (source?.Text is null)
                throw new ArgumentException($"Source {i} of {sources.Count} is null, or its text is. Leave it out, or pass the text.", nameof(sources));
            if (!NamedText.IsName(source.Name))
                throw new TrainingDataException($"A source cannot be named '{source.Name}'; use letters, digits, '-', '_' and '.', such as prose.");
            if (!seen.Add(source.Name))
                throw new TrainingDataException($"Two sources are named '{source.Name}'; give each a name of its own, or both paths to one source.");
        }
    }

    /// <summary>With one source the hash that checkpoints have always held, whatever its name.</summary>
    private static ulong FingerprintOf(TokenStore store, IReadOnlyList<SourceLength> lengths)
    {
        if (lengths.Count == 1)
            return store.FingerprintWith((ulong)lengths[0].Training);
        var numbers = new List<ulong>();
        foreach (SourceLength length in lengths)
        {
            numbers.AddRange([(ulong)length.Training, (ulong)length.Validation]);
            numbers.AddRange(length.Name.Select(letter => (ulong)letter));
        }
        return store.FingerprintWith([.. numbers]);
    }

    /// <summary>How much of a source is for what, in tokens.</summary>
    private readonly record struct SourceLength(string Name, long Training, long Validation)
    {
        public static SourceLength Split(string name, long length, TokenDatasetOptions options)
        {
            long training = (long)(length * (1 - options.ValidationFraction));
            return new SourceLength(name, training, length - training);
        }
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
