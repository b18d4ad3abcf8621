using Andrea;
using Andrea.Data;
using Andrea.Monitoring;
using Andrea.Training;

// Ends a run early, once the validation loss has not become better for some measurements, and prints what the diagnosis finds.
// Arguments: a text file, the number of steps.
if (args.Length != 2)
    return Fail("Usage: CustomObserver TEXT STEPS");
if (!long.TryParse(args[1], out long steps) || steps < 1)
    return Fail($"STEPS is '{args[1]}'; expected a whole number from 1 up.");
try
{
    using Device device = Device.Best();
    TokenDataset data = TokenDataset.FromFiles([args[0]], "char");
    TrainerOptions options = Preset.Tiny.Options with { Steps = steps, EvaluateEvery = 10 };
    using var trainer = new Trainer(device, Preset.Tiny.Config, data, options);
    using var stop = new CancellationTokenSource();
    trainer.Observe(new EarlyStopping(patience: 3, stop));
    trainer.ObserveInBackground(new Findings(Console.Out)); // whatever may take its time: training does not wait for it
    TrainingSummary summary = await trainer.RunAsync(stop.Token);
    Console.WriteLine($"{summary.Reason} after {summary.Step} steps, best validation loss {summary.BestValidationLoss:f3}");
    return 0;
}
catch (Exception error) when (error is IOException or UnauthorizedAccessException or TrainingDataException) // files: their messages are for people
{
    return Fail(error.Message);
}

static int Fail(string sentence)
{
    Console.Error.WriteLine(sentence);
    return 1;
}

/// <summary>Implements what it needs of <see cref="IStepObserver"/>, and no more.</summary>
internal sealed class EarlyStopping(int patience, CancellationTokenSource stop) : IStepObserver
{
    private int _withoutProgress;

    public void OnEvaluation(EvaluationRecord record)
    {
        _withoutProgress = record.Best ? 0 : _withoutProgress + 1;
        if (_withoutProgress == patience)
            stop.Cancel();
    }
}

internal sealed class Findings(TextWriter output) : IStepObserver
{
    public void OnSpike(in SpikeRecord spike) =>
        output.WriteLine($"step {spike.Step}: {spike.Quantity} of {spike.Value:g3}, {spike.ZScore:f1} deviations above its median");

    public void OnVerdict(Verdict verdict) => output.WriteLine($"step {verdict.Step}: {verdict.Summary} {verdict.Remedy}");
}
