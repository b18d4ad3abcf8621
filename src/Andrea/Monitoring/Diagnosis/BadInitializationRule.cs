namespace Andrea.Monitoring.Diagnosis;

/// <summary>First values that no run should begin with: a first loss far above that of guessing, or weights that are far too small or too large.</summary>
internal sealed class BadInitializationRule(GradientDiagnosisOptions options, int? vocabularySize) : DiagnosisRule
{
    private const string Remedy =
        "Begin with Initialization Gpt2, or Xavier or He for narrow models, and call GptModel.Initialize where you build the model yourself.";

    private bool _found, _looked;

    public override Verdict? OnStep(in StepRecord record, RunHistory history)
    {
        if (record.Step != 1 || vocabularySize is not { } size)
            return null;
        double guessing = Math.Log(size);
        if (!(record.Loss > guessing + options.InitialLossExcess))
            return null;
        return Found(record.Step, Sentence($"The first loss is {Loss(record.Loss)}, but a model that guesses among {size} tokens has {Loss(guessing)}: the first weights are too large."));
    }

    public override Verdict? OnGradients(GradientRecord record, RunHistory history)
    {
        if (_looked || !record.HasUpdates)
            return null;
        _looked = true;
        double rms = history.WeightRms;
        if (_found || record.Step > options.InitialSteps || (rms >= options.SmallestInitialRms && rms <= options.LargestInitialRms))
            return null;
        string verdict = rms == 0 ? "nothing can be learned from zeros" : rms < options.SmallestInitialRms ? "too small" : "too large";
        return Found(record.Step, Sentence($"The matrices begin with a root mean square of {Number(rms)} (median) at step {record.Step}: {verdict}; a usual value is between 0.004 and 0.3."));
    }

    private Verdict Found(long step, string summary)
    {
        _found = true;
        return new Verdict { Kind = VerdictKind.BadInitialization, Step = step, Since = 1, Summary = summary, Remedy = Remedy };
    }
}
