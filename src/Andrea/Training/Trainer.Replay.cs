using System.Text.Json;
using Andrea.Data;
using Andrea.Training.Checkpoints;
using Andrea.Training.Replay;

namespace Andrea.Training;

public sealed partial class Trainer
{
    /// <summary>What the newest step was made of.</summary>
    internal BatchDraw LatestDraw { get; private set; }

    /// <summary>Tokens in a sequence of a batch.</summary>
    internal int TokenCount => _inputs.Length / Options.BatchSize;

    /// <summary>Makes a step and waits for its result. Observers have it also where the policy throws for it.</summary>
    internal void TrainStepAndWait()
    {
        TrainStep();
        Alone(() =>
        {
            try
            {
                TakeAll();
                return true;
            }
            finally
            {
                ReportArrived();
            }
        });
    }

    /// <summary>Writes one micro-batch of what some step was made of. Changes nothing here.</summary>
    internal void Fill(in BatchDraw draw, int microBatch, Span<int> inputs, Span<int> targets) => _batches.Fill(draw, microBatch, inputs, targets);

    /// <summary>A run that makes the same steps as a recorded one, from its newest intact checkpoint of at most so many steps, or from the beginning. Writes nothing.</summary>
    /// <param name="device">Where to compute; not owned.</param>
    /// <param name="segments">The recorded run: its checkpoints, and what options its steps were made with.</param>
    /// <param name="atMost">Most steps that may be done already.</param>
    /// <param name="openData">Gives the data, encoded by the run's tokenizer; must be the same as then.</param>
    /// <exception cref="CheckpointException">All checkpoints are damaged.</exception>
    /// <exception cref="TrainingDataException">The data is not the data that the run was made with.</exception>
    internal static Trainer Again(Device device, RunSegments segments, long atMost, Func<Tokenizer, TokenDataset> openData)
    {
        TokenDataset? opened = null;
        TokenDataset Open(Tokenizer tokenizer) => opened ??= openData(tokenizer);
        foreach (CheckpointEntry start in segments.Checkpoints.Where(entry => entry.Name.Step <= atMost).OrderByDescending(entry => entry.Name.Step))
            try
            {
                return Resume(device, start.Path, Open, _ => Silent(segments.OptionsOf(start.Name.Step + 1).Options));
            }
            catch (CheckpointException)
            {
                // Damaged: an earlier one serves as well, and so does the beginning.
            }
        (string path, CheckpointState state) = (segments.Checkpoints[0].Path, segments.Checkpoints[0].State!);
        TokenDataset data = Open(ReadTokenizer(state, path));
        CheckFingerprint(state, path, data);
        return new Trainer(device, state.Config, data, Silent(segments.OptionsOf(1).Options));
    }

    /// <summary>Goes on as a run does that is resumed with other options here; with the same, goes on as it is.</summary>
    /// <param name="device">Where to compute; not owned.</param>
    /// <param name="options">The options from here on.</param>
    /// <returns>This trainer, or one that takes its place; this one is disposed then.</returns>
    internal Trainer GoOnWith(Device device, TrainerOptions options)
    {
        options = Silent(options);
        if (ToJson(options).AsSpan().SequenceEqual(ToJson(Options)))
            return this;
        // By way of the disk, as the run went: what a checkpoint does not hold began anew there.
        string folder = Directory.CreateTempSubdirectory("andrea-replay-").FullName;
        try
        {
            string checkpoint = Path.Combine(folder, "checkpoint");
            Alone(() => CheckpointFolder.Write(CheckpointDisk.Real, checkpoint, CreateState(), Tensors));
            Dispose();
            return Resume(device, checkpoint, _ => _data, _ => options);
        }
        finally
        {
            CheckpointDisk.TryTo(() => Directory.Delete(folder, recursive: true));
        }
    }

    private static byte[] ToJson(TrainerOptions options) => JsonSerializer.SerializeToUtf8Bytes(options, CheckpointJson.Default.TrainerOptions);

    /// <summary>The same steps with every gradient looked at and nothing written.</summary>
    private static TrainerOptions Silent(TrainerOptions options) => options with
    {
        RunFolder = null,
        Diagnosis = null,
        Monitor = new Monitoring.GradientMonitorOptions(),
    };
}
