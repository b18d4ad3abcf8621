namespace Andrea.Curriculum;

/// <summary>All that a curriculum knows, for a checkpoint.</summary>
/// <param name="Turn">Sources chosen so far.</param>
/// <param name="Phase">Phases begun so far.</param>
/// <param name="PhaseEnd">The turn that begins the next phase.</param>
/// <param name="Focus">Index of the source in focus; -1 for none.</param>
/// <param name="Weights">Weight of each source in this phase.</param>
/// <param name="Arms">What is known of each source; empty where choices do not depend on it.</param>
internal sealed record CurriculumState(long Turn, long Phase, long PhaseEnd, int Focus, double[] Weights, ArmState[] Arms);

/// <summary>What is known of one source.</summary>
/// <param name="Pulls">Finite losses seen.</param>
/// <param name="RewardSum">Sum of their rewards.</param>
/// <param name="LastReward">The latest reward.</param>
/// <param name="Average">Moving average of the loss; null before the first.</param>
/// <param name="Losses">The latest losses, oldest first.</param>
/// <param name="Records">The lowest mean of a window as it was after each of them.</param>
internal sealed record ArmState(long Pulls, double RewardSum, double LastReward, double? Average, double[] Losses, double[] Records);
