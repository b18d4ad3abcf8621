namespace Andrea.Monitoring;

/// <summary>Learns what happens in a training run. Called in order, by one thread at a time; do not throw.</summary>
/// <remarks>Implement only what you need. What a record refers to is valid during the call; copy what you keep.</remarks>
public interface IStepObserver
{
    /// <summary>A step was made (or skipped). On a GPU this comes one step late.</summary>
    /// <param name="record">The step.</param>
    void OnStep(in StepRecord record)
    {
    }

    /// <summary>The gradients of a step were looked at; comes right after its <see cref="OnStep"/>, for those steps that are monitored.</summary>
    /// <param name="record">The readings; valid during the call.</param>
    void OnGradients(GradientRecord record)
    {
    }

    /// <summary>A loss or norm stands far off its recent values.</summary>
    /// <param name="record">The spike.</param>
    void OnSpike(in SpikeRecord record)
    {
    }

    /// <summary>The curvature along a step's gradient was measured; comes after its <see cref="OnStep"/>.</summary>
    /// <param name="record">The measurement.</param>
    void OnCurvature(in CurvatureRecord record)
    {
    }

    /// <summary>The logits of a step were looked at; comes after its <see cref="OnStep"/>.</summary>
    /// <param name="record">What was found.</param>
    void OnAbsorption(in AbsorptionRecord record)
    {
    }

    /// <summary>The spike guard did something; comes before the <see cref="OnStep"/> of a step that it began with, and after that of one it is about.</summary>
    /// <param name="record">What it did.</param>
    void OnGuard(in GuardRecord record)
    {
    }

    /// <summary>Something is wrong with the run, and what can be done about it.</summary>
    /// <param name="verdict">The verdict.</param>
    void OnVerdict(Verdict verdict)
    {
    }

    /// <summary>A phase of the curriculum begins; comes before its first step's <see cref="OnStep"/>.</summary>
    /// <param name="record">The phase.</param>
    void OnPhase(PhaseRecord record)
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

    /// <summary>The coherence gate has scored a sample.</summary>
    /// <param name="record">The sample with its score.</param>
    void OnCoherence(CoherenceRecord record)
    {
    }

    /// <summary>A checkpoint was written.</summary>
    /// <param name="record">The checkpoint.</param>
    void OnCheckpoint(CheckpointRecord record)
    {
    }

    /// <summary>What was told so far should now be where it belongs, such as in the file. An <see cref="ObserverQueue"/> calls it whenever it has
    /// run empty, and at least once a second while records come.</summary>
    void Flush()
    {
    }
}
