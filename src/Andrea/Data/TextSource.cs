namespace Andrea.Data;

/// <summary>Text to train on: documents in a fixed order. They are read in blocks, when someone needs them; nothing is kept.</summary>
/// <remarks>
/// Text is UTF-8, checked strictly (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF). A byte order mark at a
/// document's beginning is skipped; everything else, line ends included, is left as it is. Not for several threads at once.
/// </remarks>
public sealed class TextSource
{
    private const string StandardInput = "-";

    private TextSource(IReadOnlyList<TextDocument> documents) => Documents = documents;

    /// <summary>How many documents there are.</summary>
    public int DocumentCount => Documents.Count;

    /// <summary>Ends of names, compared without case, by which a file in a folder counts as text: prose, mark-up that people write by
    /// hand, and source code.</summary>
    public static IReadOnlyList<string> TextFileExtensions => TextFiles.Extensions;

    internal IReadOnlyList<TextDocument> Documents { get; }

    /// <summary>Text from files, folders and standard input, in the order given; each file is a document.</summary>
    /// <param name="paths">
    /// A file is read whatever its name. Of a folder, with all folders in it, the files that end in one of
    /// <see cref="TextFileExtensions"/>, sorted by their paths ordinally, with / as separator; not those whose name, or whose folder's
    /// name, begins with a dot, nor folders behind links. <c>-</c> is standard input.
    /// </param>
    /// <returns>A source that names the files and reads each when it is needed.</returns>
    /// <exception cref="FileNotFoundException">A path does not exist.</exception>
    /// <exception cref="TrainingDataException">No path, a folder without text files, or standard input twice.</exception>
    /// <remarks>Lists folders at once and opens no file. A path that is given twice is read twice.</remarks>
    public static TextSource FromFiles(params IEnumerable<string> paths) => FromFiles(paths, Console.OpenStandardInput);

    /// <summary>Text from memory.</summary>
    /// <param name="documents">One document each.</param>
    /// <returns>A source that can be read again and again.</returns>
    /// <exception cref="InvalidTextException">Half a surrogate pair.</exception>
    public static TextSource FromText(params IEnumerable<string> documents)
    {
        ArgumentNullException.ThrowIfNull(documents);
        string[] texts = [.. documents];
        return new([.. texts.Select((text, index) =>
        {
            if (text is null)
                throw new ArgumentException($"Document {index} of {texts.Length} is null. Leave it out, or pass the text.", nameof(documents));
            string name = texts.Length == 1 ? "the given text" : $"text {index + 1} of {texts.Length}";
            return new MemoryDocument(Utf8Text.Of(text, name), name);
        })]);
    }

    /// <summary>The documents of several sources in a row, such as to fit one tokenizer to all of them. They are the very same documents.</summary>
    /// <param name="sources">At least one.</param>
    /// <returns>A source of all their documents, source after source.</returns>
    /// <exception cref="ArgumentNullException">The sources are null.</exception>
    public static TextSource Join(params IEnumerable<TextSource> sources)
    {
        ArgumentNullException.ThrowIfNull(sources);
        return new([.. sources.SelectMany((source, i) =>
            (source ?? throw new ArgumentException($"Source {i} is null. Leave it out, or pass the text.", nameof(sources))).Documents)]);
    }

    /// <summary>Text from a stream, as one document.</summary>
    /// <param name="stream">Read once, from where it stands, and then closed.</param>
    /// <param name="name">Names it in messages.</param>
    /// <returns>A source that can be read once; a tokenizer that is fitted to it keeps the text in memory, for the reading that follows.</returns>
    /// <exception cref="ArgumentNullException">The stream is null.</exception>
    public static TextSource FromStream(Stream stream, string name)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return new([new StreamDocument(() => stream, name)]);
    }

    /// <summary>Cuts the source in two, between characters; a document may lie in both parts. This source and both parts stay
    /// readable.</summary>
    /// <param name="secondShare">Share of the bytes that the second part takes, in [0, 1).</param>
    internal (TextSource First, TextSource Second) Split(double secondShare)
    {
        long[] lengths = [.. Documents.Select(DocumentPart.LengthOf)];
        long left = (long)(lengths.Sum() * (1 - secondShare));
        List<TextDocument> first = [], second = [];
        for (int i = 0; i < lengths.Length; i++)
        {
            long cut = left >= lengths[i] ? lengths[i] : DocumentPart.NextCharacter(Documents[i], Math.Max(left, 0));
            left -= lengths[i];
            if (cut > 0)
                first.Add(new DocumentPart(Documents[i], 0, cut));
            if (cut < lengths[i])
                second.Add(new DocumentPart(Documents[i], cut, lengths[i] - cut));
        }
        return (new TextSource(first), new TextSource(second));
    }

    internal static TextSource FromFiles(IEnumerable<string> paths, Func<Stream> openStandardInput)
    {
        ArgumentNullException.ThrowIfNull(paths);
        var documents = new List<TextDocument>();
        bool hasStandardInput = false;
        foreach (string path in paths)
        {
            if (path != StandardInput)
            {
                documents.AddRange(TextFiles.Find(path).Select(file => new FileDocument(file)));
                continue;
            }
            if (hasStandardInput)
                throw new TrainingDataException("Standard input (-) was given twice, but can be read only once; give it once.");
            hasStandardInput = true;
            documents.Add(new StreamDocument(openStandardInput, "standard input"));
        }
        if (documents.Count == 0)
            throw new TrainingDataException("No data was given; give at least one file or folder, or - for standard input.");
        return new(documents);
    }
}
