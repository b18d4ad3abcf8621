using Andrea.Training;

namespace Andrea.Cli.Training;

/// <summary>How the built-in corpus is trained on when nothing else is asked for.</summary>
/// <remarks>
/// The chars preset is nanoGPT's, made for plays of Shakespeare. The built-in corpus is more regular and takes four times the learning
/// rate, and two minutes on two cores leave time for twice the steps: 0.86 nats per character instead of 1.47.
/// </remarks>
internal static class BuiltInRun
{
    /// <summary>The preset with the options that suit the built-in corpus.</summary>
    public static Preset Tune(Preset preset) => preset != Preset.Chars ? preset : preset with
    {
        Options = preset.Options with { Steps = 4_000, LearningRate = 4e-3, FinalLearningRate = 4e-4, EvaluateEvery = 1_000 },
    };
}
