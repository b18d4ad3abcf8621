using System.CommandLine;
using Andrea.Curriculum;
using Andrea.Monitoring;
using Andrea.Training;

namespace Andrea.Cli.Commands;

/// <summary>The options that say how steps choose between sources, and when a run that only repeats itself is halted.</summary>
internal sealed class CurriculumArguments
{
    private readonly Option<string?> _curriculum = CliOption.Choice(
        "--curriculum", "How steps choose between sources: each by its share of the text, or by a bandit (default: share).", "share", "bandit");
    private readonly Option<string?> _reward = CliOption.Choice(
        "--reward", "What the bandit pays a source for: progress, or losses below their average as ANDREA does (default: progress).", "progress", "drop");
    private readonly Option<double?> _exploration = CliOption.Number(
        "--ucb-c", "How much the bandit tries what it knows little of (default: 1).", "a finite number from 0 up", value => value >= 0);
    private readonly Option<string?> _warmup = CliOption.Word(
        "--source-warmup", "N=NAME,...", "Draws the first N steps from these sources only (default: from all).");
    private readonly Option<long?> _coherence = CliOption.Whole(
        "--coherence-every", "Steps between samples that are scored; five in a row that only repeat themselves halt the run (default: 0, never).", 0);

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_curriculum, _reward, _exploration, _warmup, _coherence])
            command.Add(option);
    }

    /// <summary>The options with what was given.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="options">Of the preset, or of the run before.</param>
    /// <param name="names">Names of the sources; empty where there are none.</param>
    /// <param name="floors">Floors that were given with them.</param>
    public TrainerOptions Change(ParseResult parsed, TrainerOptions options, IReadOnlyList<string> names, IReadOnlyDictionary<string, double> floors)
    {
        options = options with { Curriculum = CurriculumOf(parsed, options.Curriculum, names, floors) };
        if (parsed.GetValue(_coherence) is { } every)
            options = options with { Coherence = every == 0 ? null : (options.Coherence ?? new CoherenceGateOptions()) with { Every = every } };
        return ErrorReport.AsUsage(() =>
        {
            options.Validate();
            options.Curriculum?.LimitsOf(names);
            return options;
        });
    }

    private CurriculumOptions? CurriculumOf(
        ParseResult parsed, CurriculumOptions? before, IReadOnlyList<string> names, IReadOnlyDictionary<string, double> floors)
    {
        string? word = parsed.GetValue(_curriculum);
        bool bandit = word == "bandit" || (word is null && before is not null);
        string? needless = floors.Count > 0 ? "A floor in --source" : new Option[] { _reward, _exploration, _warmup }.FirstOrDefault(option => parsed.GetResult(option) is { Implicit: false })?.Name;
        if (!bandit)
            return needless is null ? null : throw new UsageException($"{needless} has no effect without --curriculum bandit; add it.");
        if (names.Count < 2)
            throw new UsageException("--curriculum bandit chooses between sources; give at least two with --source NAME=PATH.");
        before ??= new CurriculumOptions();
        (long steps, string[] warm)? warmup = Warmup(parsed.GetValue(_warmup), names);
        return before with
        {
            Reward = parsed.GetValue(_reward) switch
            {
                "progress" => CurriculumReward.LearningProgress,
                "drop" => CurriculumReward.LossDrop,
                _ => before.Reward,
            },
            Exploration = parsed.GetValue(_exploration) ?? before.Exploration,
            WarmupSteps = warmup?.steps ?? before.WarmupSteps,
            Sources = [.. names.Select(name => Limits(before.Sources.FirstOrDefault(source => source.Name == name) ?? new SourceLimits(name)))],
        };

        SourceLimits Limits(SourceLimits limits) => limits with
        {
            Floor = floors.TryGetValue(limits.Name, out double floor) ? floor : limits.Floor,
            Warmup = warmup?.warm.Contains(limits.Name) ?? limits.Warmup,
        };
    }

    private static (long Steps, string[] Names)? Warmup(string? text, IReadOnlyList<string> names)
    {
        if (text is null)
            return null;
        string[] parts = text.Split('=', 2);
        string[] warm = parts.Length == 2 ? parts[1].Split(',', StringSplitOptions.TrimEntries) : [];
        if (!long.TryParse(parts[0], System.Globalization.CultureInfo.InvariantCulture, out long steps) || steps < 1 || warm.Length == 0)
            throw new UsageException($"'{text}' is not a value of --source-warmup; expected steps and names of sources, such as 20000=prose,chat.");
        return warm.FirstOrDefault(name => !names.Contains(name)) is { } unknown
            ? throw new UsageException($"--source-warmup names a source '{unknown}'; there are {string.Join(", ", names)}.")
            : (steps, warm);
    }
}
