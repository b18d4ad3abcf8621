using Andrea;
using Andrea.Data;
using Andrea.Monitoring;
using Andrea.Training;

if (args.Length != 3)
    return Fail("Usage: TrainOnYourText TEXT STEPS RUN-FOLDER");
if (!long.TryParse(args[1], out long steps) || steps < 1)
    return Fail($"STEPS is '{args[1]}'; expected a whole number from 1 up.");
try
{
    using Device device = Device.Best();
    TokenDataset data = TokenDataset.FromFiles([args[0]], "char");
    Preset preset = Preset.Chars;
    TrainerOptions options = preset.Options with { Steps = steps, RunFolder = args[2] };
    using var trainer = new Trainer(device, preset.Config, data, options);
    trainer.Observe(new ConsoleLines());
    TrainingSummary summary = await trainer.RunAsync();
    Console.WriteLine($"validation loss {summary.ValidationLoss:f3}, checkpoint in {summary.CheckpointPath}");
    Console.WriteLine(trainer.Sample(tokenCount: 300));
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

internal sealed class ConsoleLines : IStepObserver
{
    public void OnStep(in StepRecord r) =>
        Console.WriteLine($"{r.Step,6} loss {r.Loss:f3} norm {r.Clip.NormBefore:f2} -> {r.Clip.NormAfter:f2} lr {r.LearningRate:g3}");
}
