using System.CommandLine;
using Andrea.Cli.Rendering;
using Andrea.Gpt;
using Andrea.Training;

namespace Andrea.Cli.Commands;

/// <summary><c>andrea sample RUN</c>: continues a prompt with a trained model, and shows the text as it comes.</summary>
internal sealed class SampleCommand
{
    private const int DefaultTokens = 400;

    private static readonly SamplingOptions Defaults = new();

    private readonly Argument<string> _run = new("RUN") { Description = "Folder of a run (its newest checkpoint is taken), or of a checkpoint." };
    private readonly Option<string?> _prompt = CliOption.Word("--prompt", "TEXT", "Text to continue (default: none).");
    private readonly Option<int?> _tokens = CliOption.Count("--tokens", $"Tokens to write (default: {DefaultTokens}).", 1);
    private readonly Option<double?> _temperature = CliOption.Number(
        "--temperature",
        FormattableString.Invariant($"Below 1 bolder, above 1 wilder, 0 always the likeliest token (default: {Defaults.Temperature})."),
        "a finite number from 0 up", value => value >= 0);
    private readonly Option<int?> _topK = CliOption.Count("--top-k", $"Draws from the K likeliest tokens, 0 from all (default: {Defaults.TopK}).", 0);
    private readonly Option<ulong?> _seed = CliOption.Seed($"The same seed writes the same text (default: {Defaults.Seed}).");
    private readonly DeviceOptions _device = new();
    private readonly Terminal _terminal;

    private SampleCommand(Terminal terminal) => _terminal = terminal;

    public static Command Create(Terminal terminal)
    {
        var sample = new SampleCommand(terminal);
        var command = new Command("sample", "Writes text with a trained model.")
        {
            sample._run, sample._prompt, sample._tokens, sample._temperature, sample._topK, sample._seed,
        };
        sample._run.Validators.Add(result => CliOption.RefuseEmpty(result, "sample"));
        sample._device.AddTo(command);
        command.SetAction(sample.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        var options = new SamplingOptions
        {
            Temperature = parsed.GetValue(_temperature) ?? Defaults.Temperature,
            TopK = parsed.GetValue(_topK) ?? Defaults.TopK,
            Seed = parsed.GetValue(_seed) ?? Defaults.Seed,
        };
        string prompt = parsed.GetValue(_prompt) ?? "";
        using Device device = _device.Open(parsed, _terminal);
        using TrainedModel trained = TrainedModel.Load(device, parsed.GetValue(_run)!);
        using var generator = new TextGenerator(trained.Model, trained.Tokenizer, options);
        IEnumerable<string> pieces = generator.Generate(prompt, parsed.GetValue(_tokens) ?? DefaultTokens);
        try
        {
            Write(prompt);
            foreach (string piece in pieces)
                Write(piece);
            Write("\n");
        }
        catch (IOException exception) when (exception.HResult == StandardOutput.BrokenPipe)
        {
            // The reader has enough, such as head.
        }
        return ExitCode.Done;
    }

    private void Write(string text)
    {
        _terminal.Stream.Write(_terminal.IsInteractive ? SafeText.ForTerminal(text) : text);
        _terminal.Stream.Flush();
    }
}
