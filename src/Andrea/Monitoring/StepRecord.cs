using Andrea.Clipping;

namespace Andrea.Monitoring;

/// <summary>What happened in one optimizer step.</summary>
public readonly record struct StepRecord
{
    /// <summary>The step, from 1.</summary>
    public required long Step { get; init; }

    /// <summary>Steps the run will take in all.</summary>
    public required long TotalSteps { get; init; }

    /// <summary>Mean training loss of the step's batch, in nats per token.</summary>
    public required double Loss { get; init; }

    /// <summary>Norms, coefficient, skip: what the clipper did.</summary>
    public required ClipResult Clip { get; init; }

    /// <summary>Learning rate of the step.</summary>
    public required double LearningRate { get; init; }

    /// <summary>Tokens trained on in this step.</summary>
    public required long Tokens { get; init; }

    /// <summary>Name of the source that the step's batch was drawn from; null where there is only one.</summary>
    public string? Source { get; init; }

    /// <summary>Wall time of the step, from batch to update.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>Share of all clips so far that changed the gradients, 0 to 1.</summary>
    public double ClipRate => Clip.Call == 0 ? 0 : (double)Clip.ClippedCalls / Clip.Call;

    /// <summary>Tokens per second in this step.</summary>
    public double TokensPerSecond => Duration > TimeSpan.Zero ? Tokens / Duration.TotalSeconds : 0;
}

/// <summary>A measurement on text the model does not train on.</summary>
/// <param name="Step">Steps done so far.</param>
/// <param name="Loss">Mean loss in nats per token.</param>
/// <param name="Best">Whether it is the lowest so far.</param>
public readonly record struct EvaluationRecord(long Step, double Loss, bool Best);

/// <summary>Text the model wrote during training.</summary>
/// <param name="Step">Steps done so far.</param>
/// <param name="Text">Prompt and continuation.</param>
public readonly record struct SampleRecord(long Step, string Text);

/// <summary>A checkpoint on disk.</summary>
/// <param name="Step">Steps done so far.</param>
/// <param name="Path">The checkpoint's folder.</param>
public readonly record struct CheckpointRecord(long Step, string Path);
