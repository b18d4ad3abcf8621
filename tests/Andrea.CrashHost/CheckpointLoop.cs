using Andrea.Gpt;
using Andrea.Tensors;
using Andrea.Training.Checkpoints;

namespace Andrea.CrashHost;

/// <summary>Saves one checkpoint after the other until it is killed. What a checkpoint of a step must hold follows from the step alone,
/// so that whoever kills the process can tell a whole checkpoint from a mixed one.</summary>
internal static class CheckpointLoop
{
    private static readonly GptConfig Config = new() { VocabularySize = 64, ContextLength = 8, ChannelCount = 64, HeadCount = 2, LayerCount = 1 };

    /// <summary>Goes on from the newest checkpoint, prints "saved STEP" after each save, and never returns.</summary>
    public static void Run(string folder)
    {
        using Device device = Device.Cpu(1);
        CheckpointTensors tensors = CreateTensors(device);
        var store = new CheckpointStore(folder, keepLast: 2);
        for (long step = (store.Latest()?.State!.Step ?? 0) + 1; ; step++)
        {
            Fill(device, tensors, step);
            store.Save(StateOf(step), tensors);
            Console.WriteLine($"saved {step}");
        }
    }

    public static CheckpointTensors CreateTensors(Device device)
    {
        ParameterLayout layout = GptParameters.CreateLayout(Config);
        return new CheckpointTensors(new ParameterArena(device, layout), new ParameterArena(device, layout), new ParameterArena(device, layout));
    }

    public static CheckpointState StateOf(long step) => new()
    {
        Step = step,
        Config = Config,
        Optimizer = new OptimizerCounters(step, 1.0 / step, 0.5 / step),
        Clip = new ClipCounters(step, step / 2, 0, 0),
        Data = new DataProgress(ulong.MaxValue, 10 * step),
        // Now and then a new best one, so that the one before must be deleted.
        ValidationLoss = step % 3 == 0 ? 1.0 / step : 2.0,
    };

    public static float ParameterOf(long step) => step;

    public static float FirstMomentOf(long step) => step + 0.25f;

    public static float SecondMomentOf(long step) => step + 0.5f;

    private static void Fill(Device device, CheckpointTensors tensors, long step)
    {
        device.Backend.Fill(ParameterOf(step), tensors.Parameters.Flat);
        device.Backend.Fill(FirstMomentOf(step), tensors.FirstMoments.Flat);
        device.Backend.Fill(SecondMomentOf(step), tensors.SecondMoments.Flat);
    }
}
