namespace Andrea.Monitoring;

/// <summary>What can be wrong with a run.</summary>
public enum VerdictKind
{
    /// <summary>Gradients shrink from block to block towards the input.</summary>
    VanishingGradients,

    /// <summary>Gradients grow from block to block towards the input, or from step to step.</summary>
    ExplodingGradients,

    /// <summary>A tensor's gradient has been 0 for many steps.</summary>
    DeadTensor,

    /// <summary>A gradient or the loss is NaN or Inf.</summary>
    NonFinite,

    /// <summary>The loss no longer falls, and gradients fade.</summary>
    StalledLoss,

    /// <summary>Loss and norm rise together, or updates stay large beside the weights, or have overwritten them without the loss falling.</summary>
    LearningRateTooHigh,

    /// <summary>Updates are small beside the weights and the loss hardly falls.</summary>
    LearningRateTooLow,

    /// <summary>Most steps are clipped, to a small part of their norm.</summary>
    ClippingAlways,

    /// <summary>The largest norm is so far above every norm seen that the clip protects from nothing.</summary>
    ClippingNever,

    /// <summary>The first loss is far above that of guessing, or the first weights are far too small or too large.</summary>
    BadInitialization,

    /// <summary>Samples repeat themselves more and more: the model is on its way into a loop.</summary>
    RepetitionRising,

    /// <summary>The second moment decays by itself while gradients grow: Adam's steps grow with them.</summary>
    StaleSecondMoment,

    /// <summary>The curvature along the gradient, as Adam's preconditioner sees it, has stayed above what the learning rate can bear.</summary>
    InstabilityPredicted,
}

/// <summary>A finding about a run: what is wrong, since when, where, and what can be done.</summary>
public sealed record Verdict
{
    /// <summary>What is wrong.</summary>
    public required VerdictKind Kind { get; init; }

    /// <summary>The step at which it was found.</summary>
    public required long Step { get; init; }

    /// <summary>The first step that shows it.</summary>
    public required long Since { get; init; }

    /// <summary>One sentence with the evidence.</summary>
    public required string Summary { get; init; }

    /// <summary>One sentence: what of this library helps.</summary>
    public required string Remedy { get; init; }

    /// <summary>The tensors it is about; empty for the run as a whole.</summary>
    public IReadOnlyList<string> Tensors { get; init; } = [];
}
