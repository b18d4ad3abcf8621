using Andrea.Clipping;
using Andrea.Monitoring;
using static System.FormattableString;

namespace Andrea.Cli.Rendering;

/// <summary>Tells a view what happens in a run.</summary>
internal sealed class TrainingObserver(ITrainingView view, TrainingMeter meter) : IStepObserver
{
    public void OnStep(in StepRecord record)
    {
        if (record.Clip.FirstBadTensor is { } tensor)
        {
            string skipped = record.Clip.Skipped == SkipReason.None ? "" : "skipped, ";
            view.Note(Invariant($"step {record.Step}: {skipped}{record.Clip.NonFiniteCount} gradients are not finite, ")
                + Invariant($"the first in {tensor}[{record.Clip.FirstBadIndex}]"));
        }
        view.Show(meter.Add(record));
    }

    public void OnEvaluation(EvaluationRecord record) =>
        view.Note(Invariant($"step {record.Step}: validation loss {Units.Value(record.Loss)}{(record.Best ? ", the best so far" : "")}"));

    public void OnSample(SampleRecord record)
    {
        view.Note(Invariant($"step {record.Step}: sample"));
        view.Sample(record.Text);
    }

    public void OnCheckpoint(CheckpointRecord record) => view.Note(Invariant($"step {record.Step}: checkpoint {record.Path}"));
}
