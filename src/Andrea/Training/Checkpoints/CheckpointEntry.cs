using System.Globalization;

namespace Andrea.Training.Checkpoints;

/// <summary>The name of a checkpoint's folder: <c>step-000100</c>, or <c>step-000100-2</c> after the run went back once to an earlier step
/// or saved a step twice.</summary>
/// <param name="Branch">1 at first; one more whenever a step is saved that is not later than the newest one.</param>
/// <param name="Step">Number of optimizer steps done.</param>
/// <remarks>Ordered by branch, then step: the order of saving, without a clock and without ever writing over a folder.</remarks>
internal readonly record struct CheckpointName(int Branch, long Step) : IComparable<CheckpointName>
{
    private const string Prefix = "step-";

    /// <summary>The name for the next checkpoint after this one.</summary>
    public CheckpointName Next(long step) => new(step > Step ? Branch : Branch + 1, step);

    public int CompareTo(CheckpointName other) => (Branch, Step).CompareTo((other.Branch, other.Step));

    /// <summary>Reads a name; false for anything that <see cref="ToString"/> would not write.</summary>
    public static bool TryParse(string text, out CheckpointName name)
    {
        name = default;
        if (!text.StartsWith(Prefix, StringComparison.Ordinal))
            return false;
        string[] parts = text[Prefix.Length..].Split('-');
        int branch = 1;
        if (parts.Length > 2
            || !long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out long step)
            || (parts.Length == 2 && !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out branch)))
            return false;
        name = new CheckpointName(branch, step);
        return name.ToString() == text;
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{Prefix}{Step:D6}{(Branch == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $"-{Branch}"))}");
}

/// <summary>A checkpoint that a store found: either its state, or why it cannot be read.</summary>
internal sealed record CheckpointEntry(CheckpointName Name, string Path, CheckpointState? State, CheckpointException? Damage)
{
    /// <summary>Whether the state could be read and everything in the checkpoint is finite.</summary>
    public bool IsFinite => State is { Finite: true };
}
