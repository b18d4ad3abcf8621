using Andrea.Gpt;
using Andrea.Monitoring;
using Andrea.Monitoring.Diagnosis;

namespace Andrea.Training;

public sealed partial class Trainer
{
    private CoherenceGate? _coherence;

    // The diagnosis' own lags behind the run, so that a checkpoint needs one that does not.
    private RepetitionTrend? _repetition;

    private void PrepareGate()
    {
        if (Options.Coherence is not { } options)
            return;
        _coherence = new CoherenceGate(options);
        if (Options.Diagnosis is { } diagnosis)
            _repetition = new RepetitionTrend(diagnosis);
    }

    private void RestoreGate(int lowInARow, RepetitionState? repetition)
    {
        if (_coherence is null)
            return;
        _coherence.LowInARow = lowInARow;
        if (repetition is null || _repetition is null)
            return;
        _repetition.Restore(repetition);
        _diagnosis?.Restore(repetition);
    }

    /// <summary>Lets the model write, where the gate asks for it, and scores it.</summary>
    /// <returns>Whether the run is to be halted.</returns>
    private bool IsIncoherent()
    {
        if (_coherence is null || !IsDue(Options.Coherence!.Every))
            return false;
        string text = TryWrite(Options.Coherence.Tokens);
        CoherenceScore score = CoherenceScore.Of(text);
        _coherence.Add(score);
        _repetition?.Begins(Step, score.Repetition);
        // What the diagnosis finds in it shall stand behind the steps before.
        TakeAll();
        var record = new CoherenceRecord(Step, score, _coherence.LowInARow, text);
        foreach (IStepObserver observer in _observers)
            observer.OnCoherence(record);
        return _coherence.Halts;
    }

    private string TryWrite(int tokens)
    {
        try
        {
            return Sample(Options.SamplePrompt, tokens)[Options.SamplePrompt.Length..];
        }
        catch (DivergedModelException)
        {
            // A model that is not finite writes nothing, which is as low as a score can be.
            return "";
        }
    }
}
