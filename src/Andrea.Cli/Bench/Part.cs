namespace Andrea.Cli.Bench;

/// <summary>The parts of a training step that are timed apart.</summary>
internal enum Part
{
    LinearForward,
    LinearBackwardInput,
    LinearBackwardWeight,
    AttentionForward,
    AttentionBackward,
    NormForward,
    NormBackward,
    ActivationForward,
    ActivationBackward,
    CrossEntropy,
    Embedding,
    ZeroGradients,
    ClipNorm,
    ClipScale,
    AdamW,
    Other,
}

internal static class PartNames
{
    /// <summary>Name for people.</summary>
    public static string NameOf(this Part part) => part switch
    {
        Part.LinearForward => "linear forward",
        Part.LinearBackwardInput => "linear backward, input",
        Part.LinearBackwardWeight => "linear backward, weight",
        Part.AttentionForward => "attention forward",
        Part.AttentionBackward => "attention backward",
        Part.NormForward => "norm forward",
        Part.NormBackward => "norm backward",
        Part.ActivationForward => "activation forward",
        Part.ActivationBackward => "activation backward",
        Part.CrossEntropy => "cross-entropy",
        Part.Embedding => "embedding",
        Part.ZeroGradients => "zeroing",
        Part.ClipNorm => "clip, norm",
        Part.ClipScale => "clip, scaling",
        Part.AdamW => "AdamW",
        _ => "other",
    };
}
