using Andrea.Training.Faults;

namespace Andrea.Training;

public sealed partial class Trainer
{
    /// <summary>What goes wrong in this run on purpose; null for nothing. Before the first step. Not part of a checkpoint.</summary>
    internal FaultPlan? Faults { get; set; }

    private void SpoilBatch(long drawnAt, int microBatch) =>
        Faults?.ChangeBatch(drawnAt, microBatch, Options.BatchSize, Model.Config.VocabularySize, _inputs, _targets);
}
