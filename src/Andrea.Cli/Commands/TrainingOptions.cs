using System.CommandLine;
using Andrea.Clipping;
using Andrea.Clipping.Policies;
using Andrea.Gpt;
using Andrea.Optim;
using Andrea.Training;

namespace Andrea.Cli.Commands;

/// <summary>The options that say how to train: each, when given, takes the place of the preset's value.</summary>
internal sealed class TrainingOptions
{
    private const string FromPreset = "(default: the preset's)";

    private readonly Option<long?> _steps = CliOption.Whole("--steps", $"Optimizer steps of the whole run {FromPreset}.", 1);
    private readonly Option<int?> _batch = CliOption.Count("--batch", $"Sequences in a batch {FromPreset}.", 1, 1 << 20);
    private readonly Option<int?> _microBatches = CliOption.Count(
        "--micro-batches", "Batches whose gradients make up one step (default: 1).", 1, 1 << 20);
    private readonly Option<int?> _context = CliOption.Count("--context", $"Tokens that the model sees at once {FromPreset}.", 1, 1 << 20);
    private readonly Option<double?> _rate = Rate("--lr", $"Largest learning rate {FromPreset}.");
    private readonly Option<double?> _finalRate = Rate(
        "--final-lr", "Learning rate at the end (default: the preset's share of --lr; with --resume, the run's).");
    private readonly Option<long?> _warmup = CliOption.Whole(
        "--warmup", "Steps of rising learning rate (default: the preset's, at most a tenth of all).", 0);
    private readonly Option<string?> _schedule = CliOption.Choice(
        "--schedule", "Course of the learning rate (default: cosine).", "cosine", "linear", "constant", "warmup-stable-decay");
    private readonly Option<long?> _decaySteps = CliOption.Whole(
        "--decay-steps", "Steps of falling rate in warmup-stable-decay (default: a fifth of all).", 0);
    private readonly Option<double?> _maxNorm = CliOption.Number(
        "--max-norm", "Largest gradient norm; inf measures without clipping (default: 1). Not with value and agc of --clip-policy.",
        "a number from 0 up, or inf", norm => norm >= 0, allowInfinity: true);
    private readonly Option<string?> _policy = CliOption.Choice(
        "--clip-policy", "What is clipped: the joint norm, or otherwise (default: global).", [.. ClipPolicy.Kinds]);
    private readonly Option<string?> _formula = CliOption.Choice(
        "--clip-formula", "How gradients are scaled: exact, or as PyTorch does (default: exact). Not with value and agc of --clip-policy.", "exact", "torch");
    private readonly Option<string?> _nonFinite = CliOption.Choice(
        "--non-finite", "What happens when a gradient is NaN or Inf (default: skip the step).", "skip", "propagate", "throw");
    private readonly Option<string?> _optimizer = CliOption.Choice(
        "--optimizer", "What updates the parameters: adamw, s3 (SoftSignSGD), or AdamW kept from spikes by StableAdamW, SPAM or Stable-SPAM (default: the preset's, adamw).",
        OptimizerChoice.Words);
    private readonly Option<bool> _spikeGuard = new("--spike-guard")
    {
        Description = "Skips spikes of loss and norm, retries their batches, and goes back to a snapshot when they do not end (default: off; with --resume, as before).",
    };
    private readonly Option<double?> _decay = Rate("--weight-decay", $"Decoupled weight decay {FromPreset}.");
    private readonly Option<ulong?> _seed = CliOption.Seed("Seed of first values, order of the data, and samples (default: 1).");
    private readonly Option<long?> _evaluateEvery = CliOption.Whole(
        "--eval-every", $"Steps between validation losses, 0 for the end only {FromPreset}.", 0);
    private readonly Option<long?> _checkpointEvery = CliOption.Whole(
        "--checkpoint-every", $"Steps between checkpoints, 0 for the end only {FromPreset}.", 0);
    private readonly Option<int?> _keep = CliOption.Count("--keep", "Checkpoints to keep, besides the best one (default: 2).", 1);
    private readonly Option<long?> _sampleEvery = CliOption.Whole(
        "--sample-every", "Steps between samples, 0 for none before the end (default: 0).", 0);

    public void AddTo(Command command)
    {
        Option[] options =
        [
            _steps, _batch, _microBatches, _context, _rate, _finalRate, _warmup, _schedule, _decaySteps, _maxNorm, _policy, _formula, _nonFinite,
            _spikeGuard, _optimizer, _decay, _seed, _evaluateEvery, _checkpointEvery, _keep, _sampleEvery,
        ];
        foreach (Option option in options)
            command.Add(option);
    }

    /// <summary>The model of a new run.</summary>
    public GptConfig ConfigOf(ParseResult parsed, Preset preset) =>
        preset.Config with { ContextLength = parsed.GetValue(_context) ?? preset.Config.ContextLength };

    /// <summary>The options of a new run.</summary>
    public TrainerOptions OptionsOf(ParseResult parsed, Preset preset)
    {
        TrainerOptions preferred = preset.Options;
        TrainerOptions options = Change(parsed, preferred);
        CheckClip(parsed, options.Clip.Policy);
        return Checked(options with
        {
            Seed = parsed.GetValue(_seed) ?? preferred.Seed,
            WarmupSteps = parsed.GetValue(_warmup) ?? Math.Min(preferred.WarmupSteps, options.Steps / 10),
        });
    }

    /// <summary>The options of a resumed run: its own, but for what is given. What the model is made of cannot change.</summary>
    public TrainerOptions OptionsOf(ParseResult parsed, TrainerOptions before)
    {
        TrainerOptions options = Change(parsed, before);
        CheckClip(parsed, options.Clip.Policy);
        return Checked(options);
    }

    /// <summary>Refuses what a resumed run has settled.</summary>
    public void CheckResume(ParseResult parsed)
    {
        Forbidden.OnResume(parsed, _context);
        Forbidden.OnResume(parsed, _seed);
    }

    /// <summary>Refuses what the policy would not look at.</summary>
    private void CheckClip(ParseResult parsed, ClipPolicy policy)
    {
        if (policy is not (ValuePolicy or AgcPolicy))
            return;
        foreach (Option option in (Option[])[_maxNorm, _formula])
            if (parsed.GetResult(option) is { Implicit: false })
                throw new UsageException(
                    $"{option.Name} does nothing with the clip policy {policy.Kind}, which has limits of its own; leave it out, or choose another --clip-policy.");
    }

    private static TrainerOptions Checked(TrainerOptions options) => ErrorReport.AsUsage(() =>
    {
        options.Validate();
        return options;
    });

    private TrainerOptions Change(ParseResult parsed, TrainerOptions options)
    {
        long steps = parsed.GetValue(_steps) ?? options.Steps;
        double rate = parsed.GetValue(_rate) ?? options.LearningRate;
        ScheduleKind schedule = ScheduleOf(parsed.GetValue(_schedule)) ?? options.Schedule;
        bool needsDecay = schedule == ScheduleKind.WarmupStableDecay && options.DecaySteps == 0;
        return options with
        {
            Steps = steps,
            BatchSize = parsed.GetValue(_batch) ?? options.BatchSize,
            MicroBatches = parsed.GetValue(_microBatches) ?? options.MicroBatches,
            LearningRate = rate,
            FinalLearningRate = parsed.GetValue(_finalRate) ?? FinalRateAt(rate, options),
            WarmupSteps = parsed.GetValue(_warmup) ?? options.WarmupSteps,
            Schedule = schedule,
            DecaySteps = parsed.GetValue(_decaySteps) ?? (needsDecay ? steps / 5 : options.DecaySteps),
            Clip = options.Clip with
            {
                Policy = ClipPolicyOf(parsed.GetValue(_policy), options.Clip.Policy),
                MaxNorm = parsed.GetValue(_maxNorm) ?? options.Clip.MaxNorm,
                Formula = FormulaOf(parsed.GetValue(_formula)) ?? options.Clip.Formula,
                NonFinite = PolicyOf(parsed.GetValue(_nonFinite)) ?? options.Clip.NonFinite,
            },
            SpikeGuard = options.SpikeGuard ?? (parsed.GetValue(_spikeGuard) ? new SpikeGuardOptions() : null),
            Optimizer = OptimizerChoice.Of(parsed.GetValue(_optimizer), options.Optimizer) with
            {
                WeightDecay = parsed.GetValue(_decay) ?? options.Optimizer.WeightDecay,
            },
            EvaluateEvery = parsed.GetValue(_evaluateEvery) ?? options.EvaluateEvery,
            CheckpointEvery = parsed.GetValue(_checkpointEvery) ?? options.CheckpointEvery,
            KeepCheckpoints = parsed.GetValue(_keep) ?? options.KeepCheckpoints,
            SampleEvery = parsed.GetValue(_sampleEvery) ?? options.SampleEvery,
        };
    }

    /// <summary>The final rate keeps its share of the largest one, and its bits where that stays as it is.</summary>
    private static double FinalRateAt(double rate, TrainerOptions options) => rate == options.LearningRate || options.LearningRate == 0
        ? options.FinalLearningRate
        : rate * (options.FinalLearningRate / options.LearningRate);

    private static Option<double?> Rate(string name, string help) => CliOption.Number(name, help, "a finite number from 0 up", value => value >= 0);

    private static ScheduleKind? ScheduleOf(string? word) => word switch
    {
        "cosine" => ScheduleKind.Cosine,
        "linear" => ScheduleKind.Linear,
        "constant" => ScheduleKind.Constant,
        "warmup-stable-decay" => ScheduleKind.WarmupStableDecay,
        _ => null,
    };

    /// <summary>Another policy begins with its defaults; the run's own keeps its options.</summary>
    private static ClipPolicy ClipPolicyOf(string? word, ClipPolicy before) => word is null || word == before.Kind ? before : ClipPolicy.Create(word);

    private static ClipFormula? FormulaOf(string? word) => word switch
    {
        "exact" => ClipFormula.Exact,
        "torch" => ClipFormula.Torch,
        _ => null,
    };

    private static NonFinitePolicy? PolicyOf(string? word) => word switch
    {
        "skip" => NonFinitePolicy.SkipStep,
        "propagate" => NonFinitePolicy.Propagate,
        "throw" => NonFinitePolicy.Throw,
        _ => null,
    };
}
