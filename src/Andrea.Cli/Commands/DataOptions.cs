using System.CommandLine;
using Andrea.Cli.Training;
using Andrea.Data;

namespace Andrea.Cli.Commands;

/// <summary>The options that choose what to train on.</summary>
internal sealed class DataOptions
{
    private const string DefaultTokenizer = "char";

    private readonly Option<string[]> _paths = new("--data")
    {
        Description = "Text files and folders to train on, - for standard input (default: the built-in corpus).",
        HelpName = "PATH...",
        Arity = ArgumentArity.OneOrMore,
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string?> _tokenizer = CliOption.Choice(
        "--tokenizer", $"How text becomes tokens (default: {DefaultTokenizer}).", "char", "byte");

    private readonly Option<double?> _validation = CliOption.Number(
        "--validation", "Share of the text held back to measure on (default: 0.1).",
        "a number from 0 up to, but not including, 1", share => share is >= 0 and < 1);

    public void AddTo(Command command)
    {
        AddPathsTo(command);
        command.Add(_tokenizer);
        command.Add(_validation);
    }

    /// <summary>For a run that has been made already, which has settled the rest.</summary>
    public void AddPathsTo(Command command)
    {
        _paths.Validators.Add(result => CliOption.RefuseEmpty(result, _paths.Name));
        command.Add(_paths);
    }

    /// <summary>What a new run trains on.</summary>
    public DataChoice Choose(ParseResult parsed)
    {
        double validation = parsed.GetValue(_validation) ?? new TokenDatasetOptions().ValidationFraction;
        string[] paths = parsed.GetValue(_paths) ?? [];
        return paths.Length > 0 ? DataChoice.OfFiles(paths, validation) : DataChoice.OfBuiltInCorpus(validation);
    }

    /// <summary>Refuses what a resumed run has settled.</summary>
    public void CheckResume(ParseResult parsed)
    {
        Forbidden.OnResume(parsed, _tokenizer);
        Forbidden.OnResume(parsed, _validation);
    }

    /// <summary>What a resumed run trains on: as before, from other places if they are given.</summary>
    public DataChoice ChooseAgain(ParseResult parsed, DataChoice? before)
    {
        string[] paths = parsed.GetValue(_paths) ?? [];
        if (paths.Length > 0)
            return DataChoice.OfFiles(paths, before?.ValidationFraction ?? new TokenDatasetOptions().ValidationFraction);
        return before ?? throw new UsageException(
            $"The run's folder has no {DataChoice.FileName}, so it is unknown what it trained on; give the same --data again.");
    }

    public string TokenizerKind(ParseResult parsed) => parsed.GetValue(_tokenizer) ?? DefaultTokenizer;
}
