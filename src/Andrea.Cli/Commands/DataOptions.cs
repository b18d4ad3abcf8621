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

    private readonly Option<SourceChoice[]> _sources = new("--source")
    {
        Description = "A source with a name, instead of --data: text files or a folder, and the least weight in the curriculum, where the one in focus has 1 (not a share, and before the penalty for many epochs); repeatable, the same name again adds to it (default: none).",
        HelpName = "NAME=PATH[:FLOOR]",
        Arity = ArgumentArity.OneOrMore,
        CustomParser = result =>
        {
            var sources = new List<SourceChoice>();
            foreach (var token in result.Tokens)
                if (SourceChoice.Parse(token.Value, out string? mistake) is { } source)
                    sources.Add(source);
                else
                    result.AddError(mistake!);
            return [.. sources];
        },
    };

    private readonly Option<string?> _tokenizer = TokenizerOption.Create(
        $"How text becomes tokens: {TokenizerOption.Choices} (default: {DefaultTokenizer}).");

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
        command.Add(_sources);
    }

    /// <summary>What a new run trains on.</summary>
    public DataChoice Choose(ParseResult parsed)
    {
        double validation = parsed.GetValue(_validation) ?? new TokenDatasetOptions().ValidationFraction;
        return Given(parsed, validation) ?? DataChoice.OfBuiltInCorpus(validation);
    }

    private DataChoice? Given(ParseResult parsed, double validation)
    {
        string[] paths = parsed.GetValue(_paths) ?? [];
        SourceChoice[] sources = parsed.GetValue(_sources) ?? [];
        if (paths.Length > 0 && sources.Length > 0)
            throw new UsageException("--data and --source cannot be given together; give the files of --data a name with --source as well.");
        if (sources.Length > 0)
            return DataChoice.OfSources(sources, validation);
        return paths.Length > 0 ? DataChoice.OfFiles(paths, validation) : null;
    }

    /// <summary>The floors that were given, by the names of their sources.</summary>
    public IReadOnlyDictionary<string, double> Floors(ParseResult parsed)
    {
        var floors = new Dictionary<string, double>();
        foreach (SourceChoice source in parsed.GetValue(_sources) ?? [])
        {
            if (source.Floor is not { } floor)
                continue;
            if (floors.TryGetValue(source.Name, out double other) && other != floor)
                throw new UsageException(FormattableString.Invariant($"The source '{source.Name}' was given two floors, {other} and {floor}; it can have one, so give it once."));
            floors[source.Name] = floor;
        }
        return floors;
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
        return Given(parsed, before?.ValidationFraction ?? new TokenDatasetOptions().ValidationFraction) ?? before ?? throw new UsageException(
            $"The run's folder has no {DataChoice.FileName}, so it is unknown what it trained on; give the same --data or --source again.");
    }

    /// <summary>A kind of tokenizer, or a path to a saved one.</summary>
    public string TokenizerName(ParseResult parsed) => parsed.GetValue(_tokenizer) ?? DefaultTokenizer;
}
