using System.Runtime.InteropServices;
using System.Text.Json;
using Andrea.Clipping.Policies;
using Andrea.Curriculum;
using Andrea.Gpt;
using Andrea.Monitoring.Diagnosis;
using Andrea.Training.Guard;

namespace Andrea.Training.Checkpoints;

/// <summary>Everything but the tensors that a run needs to go on with the same bits; stands in state.json.</summary>
/// <remarks>Numbers keep their bits: integers exactly, doubles in their shortest text that reads back the same; NaN and Inf as
/// strings.</remarks>
internal sealed record CheckpointState
{
    /// <summary>Number of optimizer steps done, skipped ones included.</summary>
    public required long Step { get; init; }

    /// <summary>The model.</summary>
    public required GptConfig Config { get; init; }

    /// <summary>The trainer's options.</summary>
    public JsonElement? Trainer { get; init; }

    /// <summary>The tokenizer, vocabulary included.</summary>
    public JsonElement? Tokenizer { get; init; }

    public required OptimizerCounters Optimizer { get; init; }

    /// <summary>What the optimizer's stabilizer remembers; null when there is none, or nothing to remember.</summary>
    public double[]? Stabilizer { get; init; }

    public required ClipCounters Clip { get; init; }

    public required DataProgress Data { get; init; }

    /// <summary>Validation loss of just these parameters, in nats per token; null when it was not measured. Decides which checkpoint is the
    /// best.</summary>
    public double? ValidationLoss { get; init; }

    /// <summary>Lowest validation loss of the run so far; null before the first evaluation.</summary>
    public double? BestValidationLoss { get; init; }

    /// <summary>Low scores in a row that the coherence gate has counted.</summary>
    public int LowInARow { get; init; }

    /// <summary>What the diagnosis knows of the samples' repetition; null without gate or diagnosis, and in checkpoints from before it was kept.</summary>
    public RepetitionState? Repetition { get; init; }

    /// <summary>What the spike guard is about; null for a run without one. The tensors of its snapshots are in guard.safetensors.</summary>
    public GuardProgress? Guard { get; init; }

    /// <summary>What measurements along the way count and compare with; null in checkpoints from before it was kept.</summary>
    public MonitorProgress? Monitors { get; init; }

    /// <summary>Exponential moving average of the training loss; null before the first step.</summary>
    public double? LossEma { get; init; }

    /// <summary>Whether parameters, moments and losses are all finite. The trainer may only lower it; the store looks at every element and
    /// has the last word.</summary>
    public bool Finite { get; init; } = true;

    /// <summary>When the checkpoint was written, UTC. Filled in by the store.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>What wrote the checkpoint. Filled in by the store.</summary>
    public CheckpointVersions? Versions { get; init; }
}

/// <summary>What the measurements of a run remember.</summary>
/// <param name="CurvaturesAbove">Measurements of the curvature in a row, up to the newest, that were above the limit.</param>
/// <param name="FirstHeadMean">The head's mean row when it was first looked at, from which its drift counts; null when it never was.</param>
internal sealed record MonitorProgress(int CurvaturesAbove, float[]? FirstHeadMean);

/// <summary>The optimizer's progress; see <see cref="Backends.AdamWState"/>.</summary>
/// <param name="AppliedSteps">Steps applied, skipped ones not counted.</param>
/// <param name="Beta1Power">beta1^AppliedSteps, as accumulated.</param>
/// <param name="Beta2Power">beta2^AppliedSteps, as accumulated.</param>
internal sealed record OptimizerCounters(long AppliedSteps, double Beta1Power, double Beta2Power);

/// <summary>The clipper's counters; see <see cref="Backends.ClipState"/>.</summary>
internal sealed record ClipCounters(long Calls, long ClippedCalls, long SkippedCalls, int ConsecutiveSkips)
{
    /// <summary>What the clip policy remembers; null when it remembers nothing, and in checkpoints from before there were policies.</summary>
    public ClipPolicyState? Policy { get; init; }
}

/// <summary>Where in the stream of batches the run stands.</summary>
/// <param name="Seed">Seed of the order of batches.</param>
/// <param name="Position">Number of windows drawn: it outlives a change of the batch size.</param>
/// <param name="Fingerprint">The data's fingerprint, see <see cref="Andrea.Data.TokenDataset.Fingerprint"/>; null when it is not known.</param>
internal sealed record DataProgress(ulong Seed, long Position, ulong? Fingerprint = null)
{
    /// <summary>Where the run stands in each of several sources; null where there is one.</summary>
    public SourcesProgress? Sources { get; init; }
}

/// <summary>Where a run stands in several sources.</summary>
/// <param name="Drawn">Windows drawn of each.</param>
/// <param name="Curriculum">What chooses between them.</param>
/// <param name="Unlearned">Losses of the latest steps, which choices so far could not know, oldest first.</param>
internal sealed record SourcesProgress(long[] Drawn, CurriculumState Curriculum, SourceLoss[] Unlearned);

/// <summary>Loss of a step that drew from a source; may be NaN.</summary>
internal sealed record SourceLoss(int Source, double Loss);

/// <summary>What wrote a checkpoint, for people who look for the cause of a difference.</summary>
internal sealed record CheckpointVersions(string Library, string Runtime, string OperatingSystem)
{
    /// <summary>This library on this machine.</summary>
    public static CheckpointVersions Current { get; } = new(
        typeof(CheckpointVersions).Assembly.GetName().Version?.ToString(3) ?? "unknown",
        RuntimeInformation.FrameworkDescription,
        $"{RuntimeInformation.OSDescription} {RuntimeInformation.ProcessArchitecture}");
}
