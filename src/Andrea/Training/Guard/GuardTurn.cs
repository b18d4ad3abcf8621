using Andrea.Clipping;

namespace Andrea.Training.Guard;

/// <summary>What one step trains on, and what became of it.</summary>
/// <param name="Step">The step, from 1; 0 for no step.</param>
/// <param name="Draw">Its batch.</param>
/// <param name="DrawnAt">The step that first drew the batch.</param>
/// <param name="Attempt">0 for the first time, else which retry.</param>
/// <param name="Reason">Why it was skipped, once the result is known.</param>
internal readonly record struct GuardTurn(long Step, BatchDraw Draw, long DrawnAt, int Attempt, SkipReason Reason = SkipReason.None);

/// <summary>A batch that waits for its retry.</summary>
/// <param name="Draw">The batch.</param>
/// <param name="DrawnAt">The step that first drew it.</param>
/// <param name="Attempt">Which retry it will be, from 1.</param>
/// <param name="Due">The step from which it may be tried again.</param>
internal readonly record struct GuardRetry(BatchDraw Draw, long DrawnAt, int Attempt, long Due);
