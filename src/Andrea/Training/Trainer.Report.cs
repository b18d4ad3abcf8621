using Andrea.Reporting;
using Andrea.Training.Checkpoints;

namespace Andrea.Training;

public sealed partial class Trainer
{
    /// <summary>Runs, then writes the report, however the run ended: by then all that was recorded is on disk.</summary>
    private TrainingSummary RunAndReport(CancellationToken cancellationToken)
    {
        try
        {
            return RunAndFlush(cancellationToken);
        }
        finally
        {
            WriteReport();
        }
    }

    private TrainingSummary Summarize(bool halted, string? checkpoint) => new()
    {
        Reason = halted ? StopReason.Incoherent : Step >= Options.Steps ? StopReason.Completed : StopReason.Cancelled,
        Step = Step,
        TrainingLoss = _lastLoss,
        ValidationLoss = _validationLoss,
        BestValidationLoss = _bestValidationLoss,
        SkippedSteps = _clipper.Latest.SkippedCalls,
        Rollbacks = _guard?.Rollbacks ?? 0,
        CheckpointPath = checkpoint,
    };

    /// <summary>Writes report.html into the run's folder. Not with every checkpoint, since it reads all of the run's files.</summary>
    private void WriteReport()
    {
        if (Options.RunFolder is not { } folder)
            return;
        try
        {
            RunReport.Write(folder);
        }
        catch (Exception exception)
        {
            // A page about the run is not worth the run, nor the exception that ended it.
            _background.Warn(
                $"The report {Path.Combine(folder, RunReport.FileName)} was not written: {exception.Message.TrimEnd('.')}. The run is complete without it; 'andrea report {folder}' writes it at any time.");
        }
    }

    /// <summary>Writes run.json into the run's folder; one that is there from before goes on with the options of now.</summary>
    /// <param name="device">The device that the run goes on with.</param>
    /// <param name="resumes">Whether the run has begun before.</param>
    private void DescribeRun(Device device, bool resumes)
    {
        if (Options.RunFolder is not { } folder)
            return;
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        RunDescription fresh = new()
        {
            Name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))),
            Started = resumes ? null : now,
            Andrea = CheckpointVersions.Current.Library,
            Device = device.Description,
            Machine = MachineDescription.Current,
            Parameters = Model.Layout.ElementCount,
            Config = Model.Config,
            Options = Options,
            Tokenizer = new TokenizerDescription(Tokenizer.Kind, Tokenizer.VocabularySize),
        };
        RunDescription description = fresh;
        if (resumes)
        {
            RunDescription? known = RunData.HasContent(Path.Combine(folder, RunDescription.FileName)) ? RunDescription.TryRead(folder) : null;
            RunDescription before = known ?? fresh;
            description = before with
            {
                Options = Options,
                Began = known is { Resumed.Count: 0 } ? known.Options : before.Began,
                Resumed = [.. before.Resumed, new ResumeDescription(now, Step, device.Description, Options)],
            };
        }
        try
        {
            description.Write(folder);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The run does not need it.
        }
    }
}
