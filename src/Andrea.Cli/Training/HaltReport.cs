using Andrea.Training;
using Andrea.Training.Checkpoints;

namespace Andrea.Cli.Training;

/// <summary>What to say of a run that the coherence gate has halted.</summary>
internal static class HaltReport
{
    private const string Remedy = "a lower --lr, a clip (--max-norm) or a longer --warmup";

    /// <summary>Why it was halted, where its checkpoint is, and what can be gone back to.</summary>
    /// <param name="summary">How the run ended.</param>
    /// <param name="options">Its options; it has a folder and a gate.</param>
    public static string Of(TrainingSummary summary, TrainerOptions options)
    {
        IReadOnlyList<CheckpointEntry> all = new CheckpointStore(RunFolder.CheckpointsOf(options.RunFolder!)).List();
        bool isFinite = all.FirstOrDefault(entry => entry.Path == summary.CheckpointPath) is not { State.Finite: false };
        CheckpointEntry? earlier = all.LastOrDefault(entry => entry.IsFinite && entry.Name.Step < summary.Step);
        string reason = isFinite
            ? FormattableString.Invariant($"the model wrote mere repetitions {options.Coherence!.InARow} times in a row; the checkpoint is kept in {summary.CheckpointPath}.")
            : $"the model holds NaN or Inf and can write nothing; the checkpoint in {summary.CheckpointPath} is kept to be looked at, not to be gone on with.";
        string remedy = earlier is null
            ? $"There is no earlier one to go back to: begin a new run with {Remedy}."
            : $"Go back to an earlier one with {Remedy}: andrea train --resume {earlier.Path} --out FOLDER.";
        return FormattableString.Invariant($"Halted at step {summary.Step}: {reason} {remedy}");
    }
}
