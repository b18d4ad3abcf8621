using System.Text.Json.Serialization;
using Andrea.Clipping;
using Andrea.Curriculum;
using Andrea.Data;
using Andrea.Gpt;
using Andrea.Monitoring;
using Andrea.Monitoring.Diagnosis;
using Andrea.Optim;
using Andrea.Training.Checkpoints;

namespace Andrea.Training;

/// <summary>Options of a <see cref="Trainer"/>; all of them are part of a checkpoint.</summary>
public sealed record TrainerOptions
{
    /// <summary>Optimizer steps of the whole run.</summary>
    /// <value>2000</value>
    public long Steps { get; init; } = 2000;

    /// <summary>Sequences in a micro-batch.</summary>
    /// <value>12</value>
    public int BatchSize { get; init; } = 12;

    /// <summary>Tokens in a sequence; 0 takes the model's context length.</summary>
    /// <value>0</value>
    public int ContextLength { get; init; }

    /// <summary>Micro-batches whose gradients are accumulated into one step, before the clip.</summary>
    /// <value>1</value>
    public int MicroBatches { get; init; } = 1;

    /// <summary>Whether windows are drawn at random or in shuffled epochs.</summary>
    /// <value><see cref="BatchOrder.Random"/></value>
    public BatchOrder BatchOrder { get; init; } = BatchOrder.Random;

    /// <summary>How steps choose between several sources; null draws each by its share of the text. Without effect where there is one.</summary>
    /// <value>null</value>
    public CurriculumOptions? Curriculum { get; init; }

    /// <summary>Largest learning rate.</summary>
    /// <value>3e-4</value>
    public double LearningRate { get; init; } = 3e-4;

    /// <summary>Learning rate at the end of the schedule.</summary>
    /// <value>0</value>
    public double FinalLearningRate { get; init; }

    /// <summary>Steps of warmup: the rate's factor min(1, (t + 1) / warmup).</summary>
    /// <value>0</value>
    public long WarmupSteps { get; init; }

    /// <summary>Shape of the schedule.</summary>
    /// <value><see cref="ScheduleKind.Cosine"/></value>
    public ScheduleKind Schedule { get; init; } = ScheduleKind.Cosine;

    /// <summary>Steps that the schedule covers; 0 takes <see cref="Steps"/>.</summary>
    /// <value>0</value>
    public long ScheduleSteps { get; init; }

    /// <summary>Length of the last phase of <see cref="ScheduleKind.WarmupStableDecay"/>.</summary>
    /// <value>0</value>
    public long DecaySteps { get; init; }

    /// <summary>Largest gradient norm, formula, and what happens to NaN and Inf.</summary>
    public GradClipperOptions Clip { get; init; } = new();

    /// <summary>Which optimizer, with betas, weight decay, groups: <see cref="AdamWOptions"/>, with or without a stabilizer, or <see cref="SoftSignOptions"/>.</summary>
    /// <value>AdamW</value>
    [JsonConverter(typeof(OptimizerOptionsConverter))]
    public OptimizerOptions Optimizer { get; init; } = new AdamWOptions();

    /// <summary>How gradients are monitored; observers get an <see cref="IStepObserver.OnGradients"/> for each step that is.
    /// <see cref="GradientMonitorOptions.Off"/> switches it off.</summary>
    /// <value>The gradients of every step, updates every 10, tensor by tensor</value>
    public GradientMonitorOptions Monitor { get; init; } = new();

    /// <summary>How often the curvature along the gradient is measured, which announces loss spikes; observers get an
    /// <see cref="IStepObserver.OnCurvature"/>. Null never measures. Training has the same bits either way; see <see cref="CurvatureProbe"/> for
    /// what it costs.</summary>
    /// <value>Null</value>
    public CurvatureOptions? Curvature { get; init; }

    /// <summary>Whether the gradients of a token's logits sum to 0 to the last bit; see <see cref="GptPass.ZeroSumGradient"/>. Another training, bit for bit.</summary>
    /// <value>False</value>
    public bool ZeroSumGradient { get; init; }

    /// <summary>Steps between looks at the logits, for absorbed tokens and a drifting head; observers get an <see cref="IStepObserver.OnAbsorption"/>.
    /// 0 never looks. Training has the same bits either way; see <see cref="AbsorptionMonitor"/> for what it costs.</summary>
    /// <value>0</value>
    public long AbsorptionEvery { get; init; }

    /// <summary>How parameters begin.</summary>
    /// <value><see cref="InitializationKind.Gpt2"/></value>
    public InitializationKind Initialization { get; init; } = InitializationKind.Gpt2;

    /// <summary>Seed of initial values, of the order of the data and of samples.</summary>
    /// <value>1</value>
    public ulong Seed { get; init; } = 1;

    /// <summary>Steps between measurements of the validation loss; 0 measures at the end only.</summary>
    /// <value>250</value>
    public long EvaluateEvery { get; init; } = 250;

    /// <summary>Most batches of one measurement; 0 never measures.</summary>
    /// <value>100</value>
    public int EvaluationBatches { get; init; } = 100;

    /// <summary>Steps between checkpoints; 0 writes one at the end only.</summary>
    /// <value>500</value>
    public long CheckpointEvery { get; init; } = 500;

    /// <summary>How many of the latest checkpoints are kept, beside the best and, while the coherence gate's scores are low, the last from before.</summary>
    /// <value>2</value>
    public int KeepCheckpoints { get; init; } = 2;

    /// <summary>Steps between samples; 0 writes none before the end.</summary>
    /// <value>0</value>
    public long SampleEvery { get; init; }

    /// <summary>Whether a sample is written when all steps are made, after the last checkpoint; not where a run is stopped before.</summary>
    /// <value>false</value>
    public bool SampleAtEnd { get; init; }

    /// <summary>Text that samples continue; empty begins a new text. The data's tokenizer must know its characters.</summary>
    /// <value>Empty</value>
    public string SamplePrompt
    {
        get;
        // Checkpoints written before there was a prompt have none.
        init => field = value ?? "";
    } = "";

    /// <summary>Tokens of a sample.</summary>
    /// <value>200</value>
    public int SampleTokens { get; init; } = 200;

    /// <summary>The gate that halts a run whose model only repeats itself; null switches it off. Looked at by <see cref="Trainer.RunAsync(System.Threading.CancellationToken)"/>.</summary>
    /// <value>null</value>
    public CoherenceGateOptions? Coherence { get; init; }

    /// <summary>Folder for metrics and checkpoints; null writes no files. Not part of a checkpoint, which may be moved.</summary>
    [JsonIgnore]
    public string? RunFolder { get; init; }

    /// <summary>The learning rate as a function of the step.</summary>
    internal LearningRateSchedule CreateSchedule() => new()
    {
        Kind = Schedule,
        PeakRate = LearningRate,
        FinalRate = FinalLearningRate,
        WarmupSteps = WarmupSteps,
        TotalSteps = ScheduleSteps > 0 ? ScheduleSteps : Steps,
        DecaySteps = DecaySteps,
    };

    /// <summary>With the defaults of what checkpoints from before there was a choice do not hold, and are read with null in its place.</summary>
    internal TrainerOptions Complete() => this with { Optimizer = Optimizer ?? new AdamWOptions(), Monitor = Monitor ?? new GradientMonitorOptions() };

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentException">An option is out of range; the message names it.</exception>
    internal void Validate()
    {
        CheckAtLeast(nameof(Steps), Steps, 1);
        CheckAtLeast(nameof(BatchSize), BatchSize, 1);
        CheckAtLeast(nameof(ContextLength), ContextLength, 0);
        CheckAtLeast(nameof(MicroBatches), MicroBatches, 1);
        CheckAtLeast(nameof(ScheduleSteps), ScheduleSteps, 0);
        CheckAtLeast(nameof(EvaluateEvery), EvaluateEvery, 0);
        CheckAtLeast(nameof(EvaluationBatches), EvaluationBatches, 0);
        CheckAtLeast(nameof(CheckpointEvery), CheckpointEvery, 0);
        CheckAtLeast(nameof(KeepCheckpoints), KeepCheckpoints, 1);
        CheckAtLeast(nameof(SampleEvery), SampleEvery, 0);
        CheckAtLeast(nameof(AbsorptionEvery), AbsorptionEvery, 0);
        CheckAtLeast(nameof(SampleTokens), SampleTokens, 1);
        if (!Enum.IsDefined(BatchOrder))
            throw new ArgumentOutOfRangeException(nameof(BatchOrder), BatchOrder, "Unknown order of batches. Choose Random or ShuffledEpochs.");
        if (!Enum.IsDefined(Initialization))
            throw new ArgumentOutOfRangeException(nameof(Initialization), Initialization, "Unknown initialisation. Choose Gpt2, Andrea, Xavier, He or TruncatedNormal.");
        ArgumentNullException.ThrowIfNull(Clip);
        ArgumentNullException.ThrowIfNull(Optimizer);
        ArgumentNullException.ThrowIfNull(Monitor);
        CreateSchedule().Validate();
        Clip.Validate();
        Optimizer.Validate();
        Monitor.Validate();
        Diagnosis?.Validate();
        Curriculum?.Validate();
        Coherence?.Validate();
        Curvature?.Validate();
        SpikeGuard?.Validate();
    }

    /// <summary>What the diagnosis calls unusual; null switches it off. It looks at every step behind the training thread.</summary>
    public GradientDiagnosisOptions? Diagnosis { get; init; } = new();

    /// <summary>What is done about spikes of loss and norm; null leaves them alone.</summary>
    /// <value>null</value>
    public SpikeGuardOptions? SpikeGuard { get; init; }

    private static void CheckAtLeast(string name, long value, long smallest)
    {
        if (value < smallest)
            throw new ArgumentOutOfRangeException(name, value, $"{name} is {value}; expected {smallest} or more.");
    }
}
