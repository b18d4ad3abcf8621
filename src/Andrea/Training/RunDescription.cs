using System.Text.Json;
using Andrea.Gpt;
using Andrea.Training.Checkpoints;

namespace Andrea.Training;

/// <summary>What a run is: model, options, device, machine. Stands in <c>run.json</c> of the run's folder, for reports and for people.</summary>
/// <remarks>Nothing is resumed from it; checkpoints hold all they need. A run that goes on keeps its description, with the options that it goes on with.</remarks>
internal sealed record RunDescription
{
    /// <summary>Name of the file in the run's folder.</summary>
    public const string FileName = "run.json";

    /// <summary>The folder's name when the run began.</summary>
    public required string Name { get; init; }

    /// <summary>When the run began, UTC; null for a run that began with a version that did not write it down.</summary>
    public DateTimeOffset? Started { get; init; }

    /// <summary>Andrea's version.</summary>
    public required string Andrea { get; init; }

    /// <summary>The device in words, see <see cref="Device.Description"/>.</summary>
    public required string Device { get; init; }

    /// <summary>The machine.</summary>
    public required MachineDescription Machine { get; init; }

    /// <summary>Number of parameters of the model.</summary>
    public required long Parameters { get; init; }

    /// <summary>The model.</summary>
    public required GptConfig Config { get; init; }

    /// <summary>The trainer's options: those that the run went on with last.</summary>
    public required TrainerOptions Options { get; init; }

    /// <summary>The options that a resumed run began with; null for one that was not resumed, whose are <see cref="Options"/>, and where they are not known:
    /// of a run that was resumed by a version that did not write them down.</summary>
    public TrainerOptions? Began { get; init; }

    /// <summary>The tokenizer, without its vocabulary.</summary>
    public required TokenizerDescription Tokenizer { get; init; }

    /// <summary>Each time that the run was gone on with.</summary>
    public IReadOnlyList<ResumeDescription> Resumed { get; init; } = [];

    /// <summary>Reads a run's description.</summary>
    /// <param name="runFolder">The run's folder.</param>
    /// <returns>Null when the folder has none, or none that this version understands.</returns>
    public static RunDescription? TryRead(string runFolder)
    {
        ArgumentException.ThrowIfNullOrEmpty(runFolder);
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(Path.Combine(runFolder, FileName)), CheckpointJson.Default.RunDescription);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Writes it into a run's folder, in place of the one before.</summary>
    /// <exception cref="IOException">The disk refuses.</exception>
    internal void Write(string runFolder)
    {
        string path = Path.Combine(runFolder, FileName), temporary = path + ".tmp";
        File.WriteAllBytes(temporary, [.. JsonSerializer.SerializeToUtf8Bytes(this, CheckpointJson.Default.RunDescription), (byte)'\n']);
        File.Move(temporary, path, overwrite: true);
    }
}

/// <summary>A tokenizer, without its vocabulary.</summary>
/// <param name="Kind">As on the command line: <c>byte</c> or <c>char</c>.</param>
/// <param name="VocabularySize">How many tokens there are.</param>
internal sealed record TokenizerDescription(string Kind, int VocabularySize);

/// <summary>A run was gone on with.</summary>
/// <param name="At">When, UTC.</param>
/// <param name="Step">Steps done by then.</param>
/// <param name="Device">The device that it went on with.</param>
/// <param name="Options">The options that it went on with; null where a version resumed it that did not write them down.</param>
internal sealed record ResumeDescription(DateTimeOffset At, long Step, string Device, TrainerOptions? Options = null);
