namespace Andrea.Gpt;

/// <summary>A model's logits are NaN or infinite, so no token can be drawn from them: its training has diverged.</summary>
/// <remarks>The message is one sentence for people: what was found, what to do.</remarks>
public sealed class DivergedModelException : InvalidOperationException
{
    internal DivergedModelException(string finding)
        : base($"{finding}, so nothing can be drawn. Sample from a checkpoint before the model diverged.")
    {
    }
}
