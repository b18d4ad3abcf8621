namespace Andrea.Monitoring;

/// <summary>Learns what happens in a training run. Called on the training thread, in order; be quick, and do not throw.</summary>
/// <remarks>An exception ends the run, after a checkpoint. Implement only what you need.</remarks>
public interface IStepObserver
{
    /// <summary>A step was made (or skipped). On a GPU this comes one step late.</summary>
    /// <param name="record">The step.</param>
    void OnStep(in StepRecord record)
    {
    }

    /// <summary>The validation loss was measured.</summary>
    /// <param name="record">The measurement.</param>
    void OnEvaluation(EvaluationRecord record)
    {
    }

    /// <summary>The model wrote a sample.</summary>
    /// <param name="record">The sample.</param>
    void OnSample(SampleRecord record)
    {
    }

    /// <summary>A checkpoint was written.</summary>
    /// <param name="record">The checkpoint.</param>
    void OnCheckpoint(CheckpointRecord record)
    {
    }
}
