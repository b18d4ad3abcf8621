using Andrea.Data;
using Andrea.Gpt;
using Andrea.Training;
using Andrea.Training.Faults;

namespace Andrea.Cli.Lab.Runs;

/// <summary>One run of an experiment: everything that it is a pure function of.</summary>
/// <param name="Name">Name for tables and files; different for each run of an experiment.</param>
/// <param name="Config">The model; its vocabulary is replaced by the data's.</param>
/// <param name="Data">May be shared by many arms.</param>
/// <param name="Options">Without a run folder.</param>
internal sealed record LabArm(string Name, GptConfig Config, TokenDataset Data, TrainerOptions Options)
{
    /// <summary>What goes wrong on purpose.</summary>
    public FaultPlan? Faults { get; init; }

    /// <summary>Folder that run.json and metrics.jsonl are written into, for a page; null writes nothing.</summary>
    public string? Folder { get; init; }
}
