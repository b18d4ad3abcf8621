using Andrea.Data;
using Andrea.Training.Checkpoints;

namespace Andrea.Training;

public sealed partial class Trainer
{
    /// <summary>What the newest step was made of.</summary>
    internal BatchDraw LatestDraw { get; private set; }

    /// <summary>Tokens in a sequence of a batch.</summary>
    internal int TokenCount => _inputs.Length / Options.BatchSize;

    /// <summary>Makes a step and waits for its result.</summary>
    internal void TrainStepAndWait()
    {
        TrainStep();
        Alone(() =>
        {
            TakeAll();
            return true;
        });
    }

    /// <summary>Writes one micro-batch of what some step was made of. Changes nothing here.</summary>
    internal void Fill(in BatchDraw draw, int microBatch, Span<int> inputs, Span<int> targets) => _batches.Fill(draw, microBatch, inputs, targets);

    /// <summary>A run that makes the same steps as a recorded one, from its newest checkpoint of at most so many steps, or from the beginning. Writes nothing.</summary>
    /// <param name="device">Where to compute; not owned.</param>
    /// <param name="runFolder">The recorded run; must have a checkpoint, from whenever, which says what the run is.</param>
    /// <param name="atMost">Most steps that may be done already.</param>
    /// <param name="openData">Gives the data, encoded by the run's tokenizer; must be the same as then.</param>
    /// <exception cref="CheckpointException">There is no checkpoint, or it is damaged.</exception>
    /// <exception cref="TrainingDataException">The data is not the data that the run was made with.</exception>
    internal static Trainer Again(Device device, string runFolder, long atMost, Func<Tokenizer, TokenDataset> openData)
    {
        List<CheckpointEntry> entries = [.. new CheckpointStore(RunFolder.CheckpointsOf(runFolder)).List().Where(entry => entry.State is not null)];
        if (entries.Count == 0)
            throw new CheckpointException(
                $"The folder '{runFolder}' has no checkpoint that can be read, so it is unknown what its steps were made of. Pass the folder of a run that has written one.");
        if (entries.LastOrDefault(entry => entry.Name.Step <= atMost) is { } start)
            return Resume(device, start.Path, openData, Silent);
        (string path, CheckpointState state) = (entries[0].Path, entries[0].State!);
        TokenDataset data = openData(ReadTokenizer(state, path));
        CheckFingerprint(state, path, data);
        return new Trainer(device, state.Config, data, Silent(ReadOptions(state, path)));
    }

    /// <summary>The same steps with every gradient looked at and nothing written.</summary>
    private static TrainerOptions Silent(TrainerOptions options) => options with
    {
        RunFolder = null,
        Diagnosis = null,
        Monitor = new Monitoring.GradientMonitorOptions(),
    };
}
