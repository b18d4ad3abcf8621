using System.CommandLine;
using Andrea.Cli.Rendering;
using Andrea.Data;
using static System.FormattableString;

namespace Andrea.Cli.Commands;

/// <summary><c>andrea tokenizer train FILE...</c>: learns morphemes and saves them.</summary>
internal sealed class TokenizerTrainCommand
{
    private const double DefaultHeldBack = 0.1;
    private const int ShownSegments = 24;

    private readonly Argument<string[]> _paths = new("FILE")
    {
        Description = "Text files and folders, - for standard input.",
        Arity = ArgumentArity.OneOrMore,
    };
    private readonly Option<int?> _size = CliOption.Count(
        "--size", $"Segments; 2048, 4096, 8192 and 16384 fit the andrea presets (default: {HarrisTokenizer.DefaultSegmentCount}).",
        1, HarrisTokenizer.MaxSegmentCount);
    private readonly Option<string?> _out = CliOption.Word("--out", "FILE", $"Where to write (default: {HarrisTokenizer.FileName}).");
    private readonly Option<double?> _heldBack = CliOption.Number(
        "--validation", Invariant($"Share of the text, from its end, not to learn from but to measure on (default: {DefaultHeldBack})."),
        "a number from 0 up to, but not including, 1", share => share is >= 0 and < 1);
    private readonly Terminal _terminal;

    private TokenizerTrainCommand(Terminal terminal) => _terminal = terminal;

    public static Command Create(Terminal terminal)
    {
        var train = new TokenizerTrainCommand(terminal);
        var command = new Command("train", "Learns the morphemes of a text, and says how many bytes a token has.")
        {
            train._paths, train._size, train._out, train._heldBack,
        };
        train._paths.Validators.Add(result => CliOption.RefuseEmpty(result, "train"));
        train._out.Validators.Add(result => CliOption.RefuseEmpty(result, "--out"));
        command.SetAction(train.Run);
        return command;
    }

    private (TextSource Learned, TextSource HeldBack) Read(ParseResult parsed)
    {
        TextSource given = TextSource.FromFiles(parsed.GetValue(_paths)!);
        (TextSource text, TextSource rest) = given.Split(parsed.GetValue(_heldBack) ?? DefaultHeldBack);
        if (text.Documents.Count > 0)
            return (text, rest);
        throw rest.Documents.Count == 0
            ? TrainingDataException.Empty(given)
            : new CommandException("The whole text is held back to measure on, and nothing is left to learn from; give more text, or a smaller --validation.");
    }

    private int Run(ParseResult parsed)
    {
        string path = parsed.GetValue(_out) ?? HarrisTokenizer.FileName;
        if (Directory.Exists(path))
            throw new CommandException($"'{path}' is a folder; give a file, such as --out {Path.Combine(path, HarrisTokenizer.FileName)}.");
        // Noticed now, not after minutes of learning.
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder && !Directory.Exists(folder))
            throw new CommandException($"There is no folder '{folder}' to write {Path.GetFileName(path)} into; make it, or choose another place with --out.");
        (TextSource text, TextSource rest) = Read(parsed);
        long began = _terminal.Clock.GetTimestamp();
        HarrisTokenizer tokenizer = HarrisTokenizer.FromSource(text, parsed.GetValue(_size) ?? HarrisTokenizer.DefaultSegmentCount);
        double seconds = _terminal.Clock.GetElapsedTime(began).TotalSeconds;
        tokenizer.Save(path);
        TokenCounter learned = TokenCounter.Count(text, tokenizer), held = TokenCounter.Count(rest, tokenizer);
        TextWriter output = _terminal.Output;
        output.WriteLine(Invariant($"{tokenizer.SegmentCount} segments, vocabulary {tokenizer.VocabularySize}, ")
            + Invariant($"learned from {Units.Bytes(learned.Bytes)} in {seconds:0.0} s; written to {path}"));
        output.WriteLine(Invariant($"bytes per token: {learned.BytesPerToken:0.00} on that text")
            + (held.Tokens > 0 ? Invariant($", {held.BytesPerToken:0.00} on the {Units.Bytes(held.Bytes)} held back") : ""));
        IEnumerable<string> segments = Enumerable.Range(tokenizer.VocabularySize - tokenizer.SegmentCount, Math.Min(tokenizer.SegmentCount, ShownSegments))
            .Select(token => VisibleText.Of(tokenizer.BytesOf(token)));
        output.WriteLine($"most used: {string.Join('|', segments)}");
        return ExitCode.Done;
    }
}
