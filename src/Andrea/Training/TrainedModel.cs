using Andrea.Data;
using Andrea.Gpt;
using Andrea.Training.Checkpoints;

namespace Andrea.Training;

/// <summary>A model and its tokenizer, read from a run or a checkpoint, to write text with.</summary>
/// <remarks>
/// <code>
/// using TrainedModel trained = TrainedModel.Load(device, "runs/book");
/// using var generator = new TextGenerator(trained.Model, trained.Tokenizer);
/// </code>
/// </remarks>
public sealed class TrainedModel : IDisposable
{
    private TrainedModel(GptModel model, Tokenizer tokenizer, long step, string path)
    {
        Model = model;
        Tokenizer = tokenizer;
        Step = step;
        Path = path;
    }

    /// <summary>The model; owned.</summary>
    public GptModel Model { get; }

    /// <summary>The tokenizer that it was trained with.</summary>
    public Tokenizer Tokenizer { get; }

    /// <summary>Steps it was trained for.</summary>
    public long Step { get; }

    /// <summary>Folder of the checkpoint.</summary>
    public string Path { get; }

    /// <summary>Reads the newest finite checkpoint of a run, or one checkpoint.</summary>
    /// <param name="device">Where the model shall live; not owned.</param>
    /// <param name="path">Folder of a run, or of a checkpoint.</param>
    /// <returns>Model and tokenizer; owned by the caller.</returns>
    /// <exception cref="CheckpointException">There is no checkpoint, or it is damaged or foreign.</exception>
    public static TrainedModel Load(Device device, string path)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentException.ThrowIfNullOrEmpty(path);
        string checkpoint = RunFolder.FindCheckpoint(path);
        CheckpointState state = CheckpointFolder.ReadState(checkpoint);
        Tokenizer tokenizer = Trainer.ReadTokenizer(state, checkpoint);
        var model = new GptModel(device, state.Config);
        try
        {
            CheckpointFolder.LoadParameters(checkpoint, model.Parameters);
            return new TrainedModel(model, tokenizer, state.Step, checkpoint);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Frees the model.</summary>
    public void Dispose() => Model.Dispose();
}
