namespace Andrea.Monitoring;

/// <summary>A sample of the coherence gate.</summary>
/// <param name="Step">Steps done so far.</param>
/// <param name="Score">Its score.</param>
/// <param name="LowInARow">Low scores in a row, this one included; 0 if it is not low.</param>
/// <param name="Text">What the model wrote, without the prompt; empty if it is not finite and cannot write.</param>
public sealed record CoherenceRecord(long Step, CoherenceScore Score, int LowInARow, string Text);
