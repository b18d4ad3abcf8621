using Andrea;
using Andrea.Clipping;
using Andrea.Data;
using Andrea.Gpt;
using Andrea.Monitoring;
using Andrea.Optim;
using Andrea.Training;

// A loop of your own that sees every tensor's gradient, without a further pass over it and without waiting for the device.
// Arguments: a text file, the number of steps.
if (args.Length != 2)
    return Fail("Usage: WatchYourGradients TEXT STEPS");
if (!long.TryParse(args[1], out long steps) || steps < 1)
    return Fail($"STEPS is '{args[1]}'; expected a whole number from 1 up.");
try
{
    using Device device = Device.Best();
    TokenDataset data = TokenDataset.FromFiles([args[0]], "char");
    GptConfig config = Preset.Tiny.Config with { VocabularySize = data.Tokenizer.VocabularySize };
    const int BatchSize = 8;
    using var model = new GptModel(device, config);
    model.Initialize(InitializationKind.Gpt2, seed: 1);
    using var pass = new GptPass(model, BatchSize, config.ContextLength);
    using var clipper = new GradClipper(device, model.Gradients);
    using var optimizer = new AdamW(device, model.Parameters, model.Gradients, clipper: clipper);
    using var monitor = new GradientMonitor(clipper, optimizer, new GradientMonitorOptions { Grouping = GradientGrouping.Block });
    var batches = new BatchSampler(data.Training, BatchSize, config.ContextLength, seed: 1);
    int[] inputs = new int[BatchSize * config.ContextLength], targets = new int[inputs.Length];
    for (long step = 0; step < steps; step++)
    {
        batches.Fill(step, inputs, targets);
        pass.ResetLoss();
        model.ZeroGradients();
        pass.ForwardBackward(inputs, targets);
        optimizer.Step(learningRate: 1e-3);
        while (monitor.TryTake(out GradientRecord? record)) // on a GPU one step late
            if (record.HasUpdates)
                Print(record);
    }
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

static void Print(GradientRecord record)
{
    Console.WriteLine($"step {record.Step}, gradients multiplied by {record.Coefficient:f3}");
    for (int i = 0; i < record.Tensors.Count; i++)
    {
        TensorReading reading = record.Readings[i];
        Console.WriteLine($"  {record.Tensors[i].Name,-8} norm {reading.Norm:e2}, update / weight {reading.UpdateRatio:e2}");
    }
}
