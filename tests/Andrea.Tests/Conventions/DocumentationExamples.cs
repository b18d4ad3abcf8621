using Andrea.Clipping;
using Andrea.Clipping.Policies;
using Andrea.Curriculum;
using Andrea.Data;
using Andrea.Gpt;
using Andrea.Monitoring;
using Andrea.Monitoring.Diagnosis;
using Andrea.Optim;
using Andrea.Reporting;
using Andrea.Tensors;
using Andrea.Training;
using Andrea.Training.Checkpoints;

namespace Andrea.Tests.Conventions;

/// <summary>The examples of the public types' documentation, so that they are compiled. What they take for granted are the parameters.</summary>
/// <remarks>Compared line by line with the documentation by <see cref="DocumentationExampleTests"/>.</remarks>
internal static class DocumentationExamples
{
    public static void OfGradClipper(Device device)
    {
        using var gradients = new ExternalTensors().Add("w", new float[] { 3, 4 });
        using var clipper = new GradClipper(device, gradients, new GradClipperOptions { MaxNorm = 1 });
        clipper.Clip();
        Console.WriteLine(clipper.Read().NormBefore); // 5
    }

    public static void OfClipPolicy(Device device, TensorSet parameters, TensorSet gradients)
    {
        var options = new GradClipperOptions { Policy = new ZClipPolicy() };
        using var clipper = new GradClipper(device, gradients, options);
        using var optimizer = new AdamW(device, parameters, gradients, clipper: clipper);
        optimizer.Step(learningRate: 3e-4);
    }

    public static void OfTokenDataset(int[] inputs, int[] targets)
    {
        TokenDataset data = TokenDataset.FromFiles(["books/"], "char");
        var batches = new BatchSampler(data.Training, batchSize: 12, contextLength: 64, seed: 1);
        batches.Fill(position: 0, inputs, targets);
    }

    public static void OfTokenDecoder(Tokenizer tokenizer, int[] tokens)
    {
        TokenDecoder decoder = tokenizer.CreateDecoder();
        foreach (int token in tokens)
            Console.Write(decoder.Decode(token));
        Console.Write(decoder.Flush());
    }

    public static void OfHarrisTokenizer()
    {
        TextSource books = TextSource.FromFiles("books/");
        HarrisTokenizer tokenizer = HarrisTokenizer.FromSource(books, segmentCount: 4096);
        tokenizer.Save(HarrisTokenizer.FileName);
        TokenDataset data = TokenDataset.Create(books, tokenizer);
        Console.WriteLine($"{tokenizer.VocabularySize} tokens, {data.Training.Length} to train on");
    }

    public static string OfGpt2Tokenizer()
    {
        Tokenizer tokenizer = Gpt2Tokenizer.FromFiles("gpt2/vocab.json", "gpt2/merges.txt");
        int[] tokens = tokenizer.Encode("Hello world"); // 15496, 995
        string text = tokenizer.Decode(tokens);
        return text;
    }

    public static TrainerOptions OfCurriculumOptions()
    {
        TrainerOptions options = Preset.Chars.Options with
        {
            Curriculum = new CurriculumOptions { Sources = [new SourceLimits("chat", Floor: 0.3)] },
        };
        return options;
    }

    public static void OfCoherenceScore()
    {
        Console.WriteLine(CoherenceScore.Of("region region region region region region region region").Total); // below 30
    }

    public static string OfTokenizer()
    {
        Tokenizer tokenizer = new ByteTokenizer();
        int[] tokens = tokenizer.Encode("Grüße");
        string text = tokenizer.Decode(tokens);
        return text;
    }

    public static void OfGptModel(Device device, GptConfig config, int[] inputs, int[] targets)
    {
        using var model = new GptModel(device, config);
        model.Initialize(InitializationKind.Gpt2, seed: 1);
        using var pass = new GptPass(model, batchSize: 4, tokenCount: 64);
        pass.ForwardBackward(inputs, targets);
        Console.WriteLine(pass.ReadLoss()); // about ln(V)
    }

    public static void OfCurvatureProbe(GptModel model, AdamW optimizer, GptPass pass, int[] inputs, int[] targets, long step, double learningRate)
    {
        var probe = new CurvatureProbe(model.Parameters, model.Gradients, optimizer);
        probe.Begin(() => pass.ForwardBackward(inputs, targets)); // behind the step's own backward pass, before its update
        optimizer.Step(learningRate);
        CurvatureRecord record = probe.Complete(step, learningRate);
        if (record.Announces) Console.WriteLine($"{record.Step}: a spike is near, at {record.Instability} times the limit");
    }

    public static void OfAbsorptionMonitor(GptModel model, GptPass pass, int[] inputs, int[] targets, long step)
    {
        using var monitor = new AbsorptionMonitor(model, pass);
        monitor.MeasureNext();
        pass.ForwardBackward(inputs, targets);
        Console.WriteLine(monitor.Read(step).AbsorbedShare);
    }

    public static void OfHeadInitialization(GptModel model, int[] inputs, int[] targets)
    {
        using GptModel larger = HeadInitialization.Enlarge(model, model.Config.VocabularySize + 10);
        using var pass = new GptPass(larger, batchSize: 4, tokenCount: 64);
        var features = new HeadFeatures(larger.Config.VocabularySize, larger.Config.ChannelCount);
        features.Add(pass, inputs, targets);
        HeadInitialization.Fill(larger, HeadInitializationKind.SoftmaxFit, model.Config.VocabularySize, features);
    }

    public static async Task OfGradientDiagnosis(Trainer trainer)
    {
        using var diagnosis = new GradientDiagnosis();
        diagnosis.Found += verdict => Console.WriteLine($"{verdict.Summary} {verdict.Remedy}");
        trainer.Observe(diagnosis);
        await trainer.RunAsync();
    }

    public static void OfGradientMonitor(Device device, TensorSet parameters, TensorSet gradients)
    {
        using var clipper = new GradClipper(device, gradients);
        using var optimizer = new AdamW(device, parameters, gradients, clipper: clipper);
        using var monitor = new GradientMonitor(clipper, optimizer); // then, in the loop:
        optimizer.Step(learningRate: 3e-4);
        if (monitor.TryTake(out GradientRecord? record)) Console.WriteLine($"{record.Step}: {record.Readings[0].Norm}");
    }

    public static void OfAdamW(Device device, TensorSet parameters, TensorSet gradients)
    {
        using var clipper = new GradClipper(device, gradients);
        using var optimizer = new AdamW(device, parameters, gradients, clipper: clipper);
        optimizer.Step(learningRate: 3e-4); // measures, then clips and updates in one pass
    }

    public static void OfSoftSignSgd(Device device, TensorSet parameters, TensorSet gradients)
    {
        using var clipper = new GradClipper(device, gradients);
        using var optimizer = new SoftSignSgd(device, parameters, gradients, clipper: clipper);
        optimizer.Step(learningRate: 3e-4); // measures, then clips and updates in one pass
    }

    public static void OfExternalAdamW(
        Device device, ExternalTensors parameters, ExternalTensors gradients, ExternalTensors firstMoments, ExternalTensors secondMoments, nint address)
    {
        using var optimizer = new ExternalAdamW(device, parameters, gradients, firstMoments, secondMoments);
        for (int i = 0; i < parameters.Count; i++)
            optimizer.Configure(i, new AdamWTensorOptions(LearningRate: 3e-4, WeightDecay: 0.1));
        gradients.Move(0, address); // 0 where there is none this time
        optimizer.Step();
    }

    public static void OfRunData()
    {
        RunData run = RunData.Read("runs/book");
        Console.WriteLine($"{run.Steps.Step.Count} steps, best validation loss {run.BestValidationLoss}");
    }

    public static void OfRunReport()
    {
        RunReport.Write("runs/book");                                                      // runs/book/report.html
        RunReport.Write("compare.html", RunData.Read("runs/a"), RunData.Read("runs/b"));
    }

    public static void OfSafetensorsFile(ParameterArena parameters)
    {
        SafetensorsFile.Write("model.safetensors", parameters);
        SafetensorsFile.Read("model.safetensors", parameters);
    }

    public static void OfTextGenerator(GptModel model, Tokenizer tokenizer)
    {
        using var generator = new TextGenerator(model, tokenizer, new SamplingOptions { Temperature = 0.7 });
        foreach (string piece in generator.Generate("Once upon a time", tokenCount: 200))
            Console.Write(piece);
    }

    public static void OfTrainedModel(Device device)
    {
        using TrainedModel trained = TrainedModel.Load(device, "runs/book");
        using var generator = new TextGenerator(trained.Model, trained.Tokenizer);
    }

    public static async Task<TrainingSummary> OfTrainer()
    {
        using Device device = Device.Cpu();
        TokenDataset data = TokenDataset.FromFiles(["book.txt"], "char");
        using var trainer = new Trainer(device, Preset.Chars.Config, data, Preset.Chars.Options with { RunFolder = "runs/book" });
        TrainingSummary summary = await trainer.RunAsync();
        return summary;
    }

    public static void OfExternalTensors(float[] weights, float[] gradients, nint devicePointer)
    {
        using var parameters = new ExternalTensors().Add("w", weights, new TensorShape(2, 3));
        using var onTheHost = new ExternalTensors().Add("w", gradients, new TensorShape(2, 3));
        using var onTheGpu = new ExternalTensors().Add("w", devicePointer, length: 6, new TensorShape(2, 3));
    }

    public static void OfDevice()
    {
        using Device device = Device.Best(out string? whyNotCuda);
        Console.WriteLine(whyNotCuda is null ? device.Description : $"{device.Description}, since {whyNotCuda}");
    }

    public static void OfThePackagesLoop()
    {
        float[] weights = [3, -2], weightGradients = new float[2];
        using Device device = Device.Cpu();
        using var parameters = new ExternalTensors().Add("w", weights);
        using var gradients = new ExternalTensors().Add("w", weightGradients);
        using var clipper = new GradClipper(device, gradients, new GradClipperOptions { MaxNorm = 1 });
        using var optimizer = new AdamW(device, parameters, gradients, clipper: clipper);
        for (int step = 0; step < 500; step++)
        {
            (weightGradients[0], weightGradients[1]) = (2 * weights[0], 2 * weights[1]); // of |w|^2
            optimizer.Step(learningRate: 0.02); // one pass for the norm, one for clip and update together
        }
        Console.WriteLine($"{weights[0]:f3} {weights[1]:f3}, clipped {clipper.Latest.ClippedCalls} of {clipper.Latest.Call} steps");
    }

    public static async Task OfThePackagesTraining()
    {
        using Device device = Device.Best(); // the GPU where CUDA is usable, else the CPU
        TokenDataset data = TokenDataset.FromFiles(["book.txt"], "char");
        using var trainer = new Trainer(device, Preset.Chars.Config, data, Preset.Chars.Options with { RunFolder = "runs/book" });
        TrainingSummary summary = await trainer.RunAsync();
        Console.WriteLine(trainer.Sample(tokenCount: 300));
    }
}
