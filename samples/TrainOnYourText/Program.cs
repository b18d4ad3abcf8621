using Andrea;
using Andrea.Data;
using Andrea.Monitoring;
using Andrea.Training;

if (args.Length != 3)
{
    Console.Error.WriteLine("Usage: TrainOnYourText TEXT STEPS RUN-FOLDER");
    return 1;
}
using Device device = Device.Best();
TokenDataset data = TokenDataset.FromFiles([args[0]], "char");
Preset preset = Preset.Chars;
TrainerOptions options = preset.Options with { Steps = int.Parse(args[1]), RunFolder = args[2] };
using var trainer = new Trainer(device, preset.Config, data, options);
trainer.Observe(new ConsoleLines());
TrainingSummary summary = await trainer.RunAsync();
Console.WriteLine($"validation loss {summary.ValidationLoss:f3}, checkpoint in {summary.CheckpointPath}");
Console.WriteLine(trainer.Sample(tokenCount: 300));
return 0;

internal sealed class ConsoleLines : IStepObserver
{
    public void OnStep(in StepRecord r) =>
        Console.WriteLine($"{r.Step,6} loss {r.Loss:f3} norm {r.Clip.NormBefore:f2} -> {r.Clip.NormAfter:f2} lr {r.LearningRate:g3}");
}
