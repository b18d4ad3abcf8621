using Andrea.Monitoring;
using Andrea.Monitoring.Sinks;
using Andrea.Training;

namespace Andrea.Cli.Lab.Runs;

/// <summary>Makes one run, on one thread of the CPU.</summary>
internal static class LabRun
{
    /// <summary>Trains an arm to its end.</summary>
    /// <returns>Null where it was cancelled before.</returns>
    public static LabResult? Make(LabArm arm, CancellationToken cancellation)
    {
        using Device device = Device.Cpu(1);
        using var trainer = new Trainer(device, arm.Config, arm.Data, arm.Options) { Faults = arm.Faults };
        var result = new LabResult(arm);
        trainer.Observe(result);
        if (arm.Folder is { } folder)
            Record(trainer, device, folder);
        try
        {
            TrainingSummary summary = trainer.RunAsync(cancellation).GetAwaiter().GetResult();
            if (summary.Reason == StopReason.Cancelled)
                return null;
            result.HaltedAt = summary.Reason == StopReason.Incoherent ? summary.Step : null;
        }
        catch (SpikeGuardException exception)
        {
            // What is left is the snapshot's model.
            result.OnEvaluation(new EvaluationRecord(exception.Step, trainer.Evaluate(), Best: false));
        }
        result.Verdicts = [.. trainer.Verdicts];
        return result;
    }

    /// <summary>What a page reads of a run's folder; there shall be no checkpoints.</summary>
    private static void Record(Trainer trainer, Device device, string folder)
    {
        Directory.CreateDirectory(folder);
        new RunDescription
        {
            Name = Path.GetFileName(folder),
            Andrea = Versions.Andrea,
            Device = device.Description,
            Machine = MachineDescription.Current,
            Parameters = trainer.Model.Layout.ElementCount,
            Config = trainer.Model.Config,
            Options = trainer.Options,
            Tokenizer = new TokenizerDescription(trainer.Tokenizer.Kind, trainer.Tokenizer.VocabularySize),
        }.Write(folder);
        trainer.ObserveInBackground(new MetricsFile(RunFolder.MetricsOf(folder)), owned: true);
    }
}
