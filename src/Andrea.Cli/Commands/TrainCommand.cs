using System.CommandLine;
using Andrea.Cli.Live;
using Andrea.Cli.Rendering;
using Andrea.Cli.Telemetry;
using Andrea.Cli.Training;
using Andrea.Data;
using Andrea.Gpt;
using Andrea.Training;
using static System.FormattableString;

namespace Andrea.Cli.Commands;

/// <summary><c>andrea train</c>: trains a model on files or on the built-in corpus, shows how it goes, and writes a run folder.</summary>
internal sealed class TrainCommand
{
    private readonly Option<Preset?> _preset = PresetOption.Create("Size of the model, with training options that suit it.", Preset.Chars);
    private readonly DataOptions _data = new();
    private readonly TrainingOptions _training = new();
    private readonly CurriculumArguments _curriculum = new();
    private readonly DeviceOptions _device = new();
    private readonly SinkOptions _sinks = new();
    private readonly Option<string?> _out = CliOption.Place("--out", "Folder of the run: metrics, checkpoints (default: a new one in runs/).");
    private readonly Option<string?> _resume = CliOption.Place("--resume", "Goes on with a run, or with one of its checkpoints, bit for bit.");
    private readonly Option<long?> _logEvery = CliOption.Whole(
        "--log-every", "Steps between lines where output is no terminal (default: every 5 seconds). The loss in them is the mean of about 20 steps; of a step where it is NaN, NaN.", 1);
    private readonly Option<string?> _prompt = CliOption.Word("--prompt", "TEXT", "Text that samples continue (default: none).");
    private readonly Option<int?> _sampleTokens = CliOption.Count(
        "--sample-tokens", "Tokens of a sample, 0 for no sample at the end (default: the preset's).", 0);
    private readonly LiveOptions _live = new("--live", "--live-host", isSwitch: true);
    private readonly Terminal _terminal;

    private TrainCommand(Terminal terminal) => _terminal = terminal;

    public static Command Create(Terminal terminal)
    {
        var train = new TrainCommand(terminal);
        var command = new Command("train", "Trains a model on text, or on the built-in corpus.");
        train._data.AddTo(command);
        command.Add(train._preset);
        train._training.AddTo(command);
        train._curriculum.AddTo(command);
        train._device.AddTo(command);
        train._sinks.AddTo(command);
        foreach (Option option in (Option[])[train._out, train._resume, train._logEvery, train._prompt, train._sampleTokens])
            command.Add(option);
        train._live.AddTo(command);
        command.SetAction((parsed, _) => train.RunAsync(parsed));
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed)
    {
        ITrainingView view = _terminal.IsInteractive
            ? new ProgressView(_terminal.Console, _terminal.Clock, blocks: _terminal.Variable("TERM") is not ("linux" or "dumb"))
            : new PlainLines(_terminal.Output, _terminal.Clock, parsed.GetValue(_logEvery) ?? 0);
        using var signals = new RunSignals(view.Note, Environment.Exit);
        // Before the trainer: a port in use is told before anything is written, and the run's last lines are still shown.
        var shown = new RunList();
        await using LiveServer? live = _live.IsWanted(parsed) ? await _live.StartAsync(parsed, shown, _terminal, view.Note).ConfigureAwait(false) : null;
        using Device device = _device.Open(parsed, _terminal);
        using OtlpExport? export = _sinks.OpenExport(parsed, view.Note);
        using Trainer trainer = parsed.GetValue(_resume) is { } run ? Resume(parsed, run, device, view) : Begin(parsed, device, view);
        if (trainer.Step == trainer.Options.Steps)
        {
            view.Note(Invariant($"The run is finished: all {trainer.Step} steps are done; to go further, give more with --steps."));
            return ExitCode.Done;
        }
        shown.Show(trainer.Options.RunFolder!);
        if (live is not null)
            view.Note($"The run can be watched at {live.Url}");
        signals.Begin(trainer.RequestCheckpoint);
        trainer.Warned += view.Note;
        _sinks.Attach(parsed, trainer, resumes: parsed.GetValue(_resume) is not null);
        trainer.ObserveInBackground(new TrainingObserver(view, new TrainingMeter(_terminal.Clock)));
        var shares = new SourceShares();
        trainer.ObserveInBackground(shares);
        var sample = new LatestSample();
        trainer.Observe(sample);
        TrainingSummary summary = null!;
        await view.ShowAsync(async () => summary = await trainer.RunAsync(signals.Stopping).ConfigureAwait(false)).ConfigureAwait(false);
        if (shares.Text is { Length: > 0 } text)
            view.Note($"Steps by source: {text}.");
        if (summary.Reason == StopReason.Incoherent)
            view.Note(HaltReport.Of(summary, trainer.Options.RunFolder!, sample.Record!));
        else
            Finish(trainer, summary, view);
        return summary.Reason == StopReason.Incoherent ? ExitCode.Incoherent : ExitCode.Done;
    }

    private Trainer Begin(ParseResult parsed, Device device, ITrainingView view)
    {
        DataChoice choice = _data.Choose(parsed);
        Preset preset = parsed.GetValue(_preset) ?? Preset.Chars;
        if (choice.IsBuiltIn)
            preset = BuiltInRun.Tune(preset);
        GptConfig config = _training.ConfigOf(parsed, preset);
        TrainerOptions options = WithSample(parsed, _training.OptionsOf(parsed, preset));
        options = _curriculum.Change(parsed, options, choice.Names, _data.Floors(parsed));
        string folder = parsed.GetValue(_out) ?? RunFolders.Next(preset.Name);
        options = options with { RunFolder = folder };
        view.Note($"Reading {choice.Description}.");
        TokenDataset data = choice.Open(_data.TokenizerName(parsed));
        CheckPrompt(parsed, data.Tokenizer);
        config = config with { VocabularySize = data.Tokenizer.VocabularySize };
        MemoryCheck.Require(device, MemoryCheck.TrainingBytes(config, options.BatchSize, config.ContextLength, options.SpikeGuard), $"training {preset.Name}");
        var trainer = new Trainer(device, config, data, options);
        choice.WriteTo(folder);
        Introduce(trainer, device, view, $"Training {preset.Name}");
        view.Note(Invariant($"{data.Training.Length:N0} tokens to train on, {data.Validation.Length:N0} to measure on; writing to {folder}."));
        return trainer;
    }

    private Trainer Resume(ParseResult parsed, string run, Device device, ITrainingView view)
    {
        Forbidden.OnResume(parsed, _preset);
        _training.CheckResume(parsed);
        _data.CheckResume(parsed);
        DataChoice? choice = null;
        Trainer trainer = ErrorReport.AsUsage(() => Trainer.Resume(device, run, OpenData, ChangeOptions));
        choice!.WriteTo(trainer.Options.RunFolder!);
        Introduce(trainer, device, view, "Going on with");
        view.Note(Invariant($"{trainer.Step} of {trainer.Options.Steps} steps are done; writing to {trainer.Options.RunFolder}."));
        return trainer;

        TokenDataset OpenData(Tokenizer tokenizer)
        {
            CheckPrompt(parsed, tokenizer);
            choice = _data.ChooseAgain(parsed, DataChoice.ReadFrom(FolderOfRun(run)));
            view.Note($"Reading {choice.Description}.");
            return choice.Open(tokenizer);
        }

        TrainerOptions ChangeOptions(TrainerOptions before) => _curriculum.Change(
            parsed, WithSample(parsed, _training.OptionsOf(parsed, before)), choice!.Names, _data.Floors(parsed)) with
        {
            RunFolder = parsed.GetValue(_out) ?? before.RunFolder ?? throw new UsageException(
                $"The checkpoint '{run}' lies in no run's folder, so it is unknown where to write; give a folder with --out."),
        };
    }

    /// <summary>Refuses now what could not be continued after hours of training.</summary>
    private void CheckPrompt(ParseResult parsed, Tokenizer tokenizer)
    {
        if (parsed.GetValue(_prompt) is { } prompt)
            tokenizer.Encode(prompt);
    }

    /// <summary>A run's folder, also when one of its checkpoints was named.</summary>
    private static string FolderOfRun(string path)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        string? parent = Path.GetDirectoryName(full);
        return Path.GetFileName(parent) == "checkpoints" ? Path.GetDirectoryName(parent)! : full;
    }

    /// <summary>A run ends with a sample, which its records hold like all the others, unless it is asked not to.</summary>
    private TrainerOptions WithSample(ParseResult parsed, TrainerOptions options) => options with
    {
        SampleAtEnd = parsed.GetValue(_sampleTokens) != 0,
        SampleTokens = parsed.GetValue(_sampleTokens) is > 0 and int tokens ? tokens : options.SampleTokens,
        SamplePrompt = parsed.GetValue(_prompt) ?? options.SamplePrompt,
    };

    private static void Introduce(Trainer trainer, Device device, ITrainingView view, string beginning)
    {
        GptConfig config = trainer.Model.Config;
        string size = Units.Count(trainer.Model.Layout.ElementCount);
        view.Note(Invariant($"{beginning}: {size} parameters, {config.LayerCount} layers, {config.ChannelCount} wide, ")
            + Invariant($"context {config.ContextLength}, vocabulary {config.VocabularySize}; on {device.Description}."));
    }

    private static void Finish(Trainer trainer, TrainingSummary summary, ITrainingView view)
    {
        string folder = trainer.Options.RunFolder!;
        if (summary.Reason == StopReason.Cancelled)
        {
            view.Note(Invariant($"Stopped at step {summary.Step}; go on with: andrea train --resume {ShellWord.Of(folder)}"));
            return;
        }
        if (summary.SkippedSteps > 0)
            view.Note(Invariant($"{summary.SkippedSteps} steps were skipped because {(trainer.Options.SpikeGuard is null ? "gradients were not finite" : "of spikes or of gradients that were not finite")}."));
        if (summary.Rollbacks > 0)
            view.Note(Invariant($"The spike guard went back to a snapshot {summary.Rollbacks} times."));
        if (summary.ValidationLoss is { } loss)
            view.Note($"Validation loss {Units.Value(loss)} nats per token (best {Units.Value(summary.BestValidationLoss ?? loss)}; "
                + $"knowing nothing would give {Units.Value(Math.Log(trainer.Model.Config.VocabularySize))}).");
        view.Note($"For more: andrea sample {ShellWord.Of(folder)}");
    }
}
