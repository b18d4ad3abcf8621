namespace Andrea.Clipping;

/// <summary>Gradients were NaN or Inf, and the policy or the number of skips in a row said to stop. Parameters and moments are untouched.</summary>
public sealed class NonFiniteGradientException : Exception
{
    internal NonFiniteGradientException(ClipResult result, string advice)
        : base(
            $"{result.NonFiniteCount} {(result.NonFiniteCount == 1 ? "gradient is" : "gradients are")} not finite at clip {result.Call}, the first in tensor '{result.FirstBadTensor}' at index {result.FirstBadIndex}"
            + $" ({result.ConsecutiveSkips} skipped {(result.ConsecutiveSkips == 1 ? "step" : "steps in a row")}). {advice}") => Result = result;

    /// <summary>What the clip found.</summary>
    public ClipResult Result { get; }
}
