using Andrea.Data;
using Andrea.Gpt;
using Andrea.Monitoring;

namespace Andrea.Training;

/// <summary>What a model is worth in between: its loss on text held back, and text of its own.</summary>
public sealed partial class Trainer
{
    /// <summary>Mean loss over the validation batches, in nats per token. Waits for the device.</summary>
    /// <returns>The loss.</returns>
    /// <exception cref="InvalidOperationException">The data has no validation part, or measuring is switched off; or another thread computes with this trainer.</exception>
    /// <exception cref="ObjectDisposedException">The trainer is disposed.</exception>
    public double Evaluate()
    {
        if (_evaluation is null)
            throw new InvalidOperationException("There is nothing to measure on: the data has no validation part, or EvaluationBatches is 0.");
        return Alone(() =>
        {
            _pass.ResetLoss();
            for (int i = 0; i < _evaluation.Count; i++)
            {
                _evaluation.Fill(i, _inputs, _targets);
                _pass.Evaluate(_inputs, _targets, 1.0 / _evaluation.Count);
            }
            return _pass.ReadLoss();
        });
    }

    /// <summary>Writes text with the model as it is now.</summary>
    /// <param name="prompt">Text to continue; empty begins a new text.</param>
    /// <param name="tokenCount">Number of tokens.</param>
    /// <param name="sampling">Temperature, top-k, seed; null for the defaults.</param>
    /// <returns>Prompt and continuation.</returns>
    /// <exception cref="UnknownCharacterException">The prompt has a character that the tokenizer does not know.</exception>
    /// <exception cref="InvalidTextException">The prompt has half a surrogate pair.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The number of tokens is negative, or an option is out of range.</exception>
    /// <exception cref="InvalidOperationException">Another thread computes with this trainer; or the model has diverged and has no token to draw (<see cref="DivergedModelException"/>).</exception>
    /// <exception cref="ObjectDisposedException">The trainer is disposed.</exception>
    public string Sample(string prompt = "", int tokenCount = 200, SamplingOptions? sampling = null) => Alone(() =>
    {
        using var generator = new TextGenerator(Model, Tokenizer, sampling ?? new SamplingOptions { Seed = Options.Seed });
        return prompt + string.Concat(generator.Generate(prompt, tokenCount));
    });

    private void MeasureValidation()
    {
        if (_evaluation is null)
            return;
        TakeAll();
        double loss = Evaluate();
        _validationLoss = loss;
        _lastValidation = (Step, loss);
        // A NaN is never the best.
        bool best = double.IsFinite(loss) && !(loss >= _bestValidationLoss);
        if (best)
            _bestValidationLoss = loss;
        foreach (IStepObserver observer in _observers)
            observer.OnEvaluation(new EvaluationRecord(Step, loss, best));
        if (best && Step < Options.Steps)
            SaveCheckpoint();
    }

    private void WriteSample()
    {
        string text = Sample(Options.SamplePrompt, Options.SampleTokens);
        foreach (IStepObserver observer in _observers)
            observer.OnSample(new SampleRecord(Step, text));
    }
}
