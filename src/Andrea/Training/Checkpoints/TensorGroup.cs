using Andrea.Tensors;

namespace Andrea.Training.Checkpoints;

/// <summary>An arena as part of a file: its tensors stand there under their names with a prefix before them.</summary>
internal readonly record struct TensorGroup(string Prefix, ParameterArena Arena);

/// <summary>The three arenas of a training state, and those of its snapshots; all of one layout.</summary>
internal sealed record CheckpointTensors(ParameterArena Parameters, ParameterArena FirstMoments, ParameterArena SecondMoments)
{
    /// <summary>Bytes of all elements.</summary>
    public long LengthBytes =>
        sizeof(float) * (Parameters.ElementCount + FirstMoments.ElementCount + SecondMoments.ElementCount + GuardGroups.Sum(group => group.Arena.ElementCount));

    /// <summary>What stands in guard.safetensors: the spike guard's snapshots. Without any, there is no such file.</summary>
    public TensorGroup[] GuardGroups { get; init; } = [];

    /// <summary>What stands in model.safetensors.</summary>
    public TensorGroup[] ModelGroups => [new("", Parameters)];

    /// <summary>What stands in optimizer.safetensors: the optimizer's first and second moments.</summary>
    public TensorGroup[] OptimizerGroups => [new("m.", FirstMoments), new("v.", SecondMoments)];
}
