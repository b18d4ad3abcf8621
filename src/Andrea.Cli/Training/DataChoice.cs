using System.Text.Json;
using System.Text.Json.Serialization;
using Andrea.Cli.Commands;
using Andrea.Data;

namespace Andrea.Cli.Training;

/// <summary>What a run trains on: files, named sources, or the built-in corpus. Kept in the run's folder, so that <c>--resume</c> finds it again.</summary>
internal sealed record DataChoice
{
    /// <summary>Name of the file in the run's folder.</summary>
    public const string FileName = "data.json";

    private const ulong CorpusSeed = 1;

    /// <summary>Full paths of files and folders; empty for named sources and the built-in corpus.</summary>
    public IReadOnlyList<string> Paths { get; init; } = [];

    /// <summary>Named sources; a name may occur several times, with a path each. Empty where nothing has a name.</summary>
    public IReadOnlyList<SourceChoice> Sources { get; init; } = [];

    /// <summary>Seed of the built-in corpus.</summary>
    public ulong Seed { get; init; } = CorpusSeed;

    /// <summary>Characters of the built-in corpus.</summary>
    public int Characters { get; init; } = BuiltInCorpus.DefaultLength;

    /// <summary>Share held back to measure on.</summary>
    public double ValidationFraction { get; init; }

    /// <summary>Whether it is the built-in corpus.</summary>
    [JsonIgnore]
    public bool IsBuiltIn => Paths.Count == 0 && Sources.Count == 0;

    /// <summary>The names of the sources, in the order given.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Names => [.. Sources.Select(source => source.Name).Distinct()];

    /// <summary>In words.</summary>
    [JsonIgnore]
    public string Description => Paths.Count switch
    {
        0 when Sources.Count > 0 => string.Join(", ", Names),
        0 => "the built-in corpus",
        1 => Paths[0],
        _ => FormattableString.Invariant($"{Paths[0]} and {Paths.Count - 1} more"),
    };

    public static DataChoice OfFiles(IEnumerable<string> paths, double validationFraction) => new()
    {
        Paths = [.. paths.Select(path => path == "-" ? path : Path.GetFullPath(path))],
        ValidationFraction = validationFraction,
    };

    public static DataChoice OfSources(IEnumerable<SourceChoice> sources, double validationFraction) => new()
    {
        Sources = [.. sources],
        ValidationFraction = validationFraction,
    };

    public static DataChoice OfBuiltInCorpus(double validationFraction) => new() { ValidationFraction = validationFraction };

    /// <summary>What a run trained on; null if its folder does not say.</summary>
    /// <exception cref="CommandException">The file is damaged.</exception>
    public static DataChoice? ReadFrom(string runFolder)
    {
        string path = Path.Combine(runFolder, FileName);
        if (!File.Exists(path))
            return null;
        try
        {
            DataChoice? choice = JsonSerializer.Deserialize(File.ReadAllText(path), DataChoiceJson.Default.DataChoice);
            return choice is not null && choice.IsPossible ? choice : throw new JsonException("it holds values that Andrea never writes");
        }
        catch (JsonException exception)
        {
            throw new CommandException($"The file '{path}' is damaged ({exception.Message.TrimEnd('.')}); delete it and give --data again.");
        }
    }

    /// <summary>Remembers the choice in a run's folder, which is made if need be.</summary>
    public void WriteTo(string runFolder)
    {
        Directory.CreateDirectory(runFolder);
        File.WriteAllText(Path.Combine(runFolder, FileName), JsonSerializer.Serialize(this, DataChoiceJson.Default.DataChoice) + "\n");
    }

    /// <summary>Reads the text with a tokenizer of a kind, which is fitted to it, or with a saved one.</summary>
    public TokenDataset Open(string tokenizerName)
    {
        if (Sources.Count > 0)
        {
            NamedText[] sources = OpenSources();
            return TokenDataset.Create(sources, TokenizerOption.Open(tokenizerName, TextSource.Join(sources.Select(source => source.Text))), Options);
        }
        TextSource text = OpenText();
        return TokenDataset.Create(text, TokenizerOption.Open(tokenizerName, text), Options);
    }

    /// <summary>Reads the text with a tokenizer that is there already.</summary>
    public TokenDataset Open(Tokenizer tokenizer) => Sources.Count > 0
        ? TokenDataset.Create(OpenSources(), tokenizer, Options)
        : TokenDataset.Create(OpenText(), tokenizer, Options);

    /// <summary>Whether these are values that a run can have had: a file may hold anything.</summary>
    private bool IsPossible =>
        Paths is not null && Paths.All(IsPath) && Sources is not null && Sources.All(source => source is not null && NamedText.IsName(source.Name) && IsPath(source.Path))
        && Characters is > 0 and <= 1 << 30 && ValidationFraction is >= 0 and < 1;

    private static bool IsPath(string path) => !string.IsNullOrWhiteSpace(path) && !path.Contains('\0', StringComparison.Ordinal);

    private TokenDatasetOptions Options => new() { ValidationFraction = ValidationFraction };

    private NamedText[] OpenSources() =>
        [.. Names.Select(name => new NamedText(name, TextSource.FromFiles(Sources.Where(source => source.Name == name).Select(source => source.Path))))];

    private TextSource OpenText() => IsBuiltIn ? TextSource.FromText(BuiltInCorpus.Generate(Seed, Characters)) : TextSource.FromFiles(Paths);
}

/// <summary>Writes and reads choices without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(DataChoice))]
internal sealed partial class DataChoiceJson : JsonSerializerContext;
