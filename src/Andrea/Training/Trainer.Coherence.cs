using Andrea.Gpt;
using Andrea.Monitoring;

namespace Andrea.Training;

public sealed partial class Trainer
{
    private int _lowInARow;

    /// <summary>Lets the model write, where the gate asks for it, and scores it.</summary>
    /// <returns>Whether the run is to be halted.</returns>
    private bool IsIncoherent()
    {
        if (Options.Coherence is not { } gate || !IsDue(gate.Every))
            return false;
        string text = TryWrite(gate.Tokens);
        CoherenceScore score = CoherenceScore.Of(text);
        _lowInARow = score.Total < gate.Threshold ? _lowInARow + 1 : 0;
        // What the diagnosis finds in it shall stand behind the steps before.
        TakeAll();
        var record = new CoherenceRecord(Step, score, _lowInARow, text);
        foreach (IStepObserver observer in _observers)
            observer.OnCoherence(record);
        return _lowInARow >= gate.InARow;
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
