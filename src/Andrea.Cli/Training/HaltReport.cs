using Andrea.Cli.Rendering;
using Andrea.Monitoring;
using Andrea.Training;
using Andrea.Training.Checkpoints;
using static System.FormattableString;

namespace Andrea.Cli.Training;

/// <summary>What to say of a run that the coherence gate has halted.</summary>
internal static class HaltReport
{
    private const string Remedy = "a lower --lr, a clip (--max-norm) or a longer --warmup";

    /// <summary>Why it was halted, where its checkpoint is, and what can be gone back to.</summary>
    /// <param name="summary">How the run ended.</param>
    /// <param name="runFolder">Its folder.</param>
    /// <param name="last">The sample that halted it.</param>
    public static string Of(TrainingSummary summary, string runFolder, CoherenceRecord last)
    {
        IReadOnlyList<CheckpointEntry> all = new CheckpointStore(RunFolder.CheckpointsOf(runFolder)).List();
        bool isFinite = all.FirstOrDefault(entry => entry.Path == summary.CheckpointPath) is not { State.Finite: false };
        // One from amid the low scores would go on counting them, and soon halt again.
        CheckpointEntry? earlier = all.LastOrDefault(entry => entry is { IsFinite: true, State.LowInARow: 0 } && entry.Name.Step < summary.Step);
        string what = last.Text.Length > 0
            ? Invariant($"the model wrote mere repetitions {last.LowInARow} times in a row")
            : Invariant($"the model could write nothing, and scored low {last.LowInARow} times in a row");
        string reason = isFinite
            ? $"{what}; the checkpoint is kept in {summary.CheckpointPath}."
            : $"the model holds NaN or Inf and can write nothing; the checkpoint in {summary.CheckpointPath} is kept to be looked at, not to be gone on with.";
        string remedy = earlier is null
            ? $"There is none from before the low scores to go back to: begin a new run with {Remedy}."
            : $"Go back to the latest from before the low scores with {Remedy}: andrea train --resume {ShellWord.Of(earlier.Path)} --out FOLDER.";
        return Invariant($"Halted at step {summary.Step}: {reason} {remedy}");
    }
}
