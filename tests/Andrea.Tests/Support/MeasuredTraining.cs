using System.Diagnostics;
using Andrea.Clipping;
using Andrea.Data;
using Andrea.Gpt;
using Andrea.Monitoring;
using Andrea.Optim;
using Andrea.Tensors;
using Andrea.Training;

namespace Andrea.Tests.Support;

/// <summary>A training loop on the CPU whose records are computed the plain way, from copies of gradients and parameters in double: an oracle
/// for what monitors on a device measure, and a source of records for diagnosis.</summary>
internal sealed class MeasuredTraining : IDisposable
{
    private readonly Device _device;
    private readonly GptPass _pass;
    private readonly GradClipper _clipper;
    private readonly AdamW _optimizer;
    private readonly BatchSampler _sampler;
    private readonly LearningRateSchedule _schedule;
    private readonly TrainerOptions _options;
    private readonly int[] _inputs, _targets;

    /// <param name="config">The model; its vocabulary is replaced by the data's.</param>
    /// <param name="data">What to train on.</param>
    /// <param name="options">Steps, batch, rates, clip, as a Trainer takes them.</param>
    /// <param name="updatesEvery">Steps between those whose updates are measured; the first is.</param>
    public MeasuredTraining(GptConfig config, TokenDataset data, TrainerOptions options, int updatesEvery = 1)
    {
        options.Validate();
        _options = options;
        UpdatesEvery = updatesEvery;
        _device = Device.Cpu(threads: 1);
        Model = new GptModel(_device, config with { VocabularySize = data.Tokenizer.VocabularySize });
        Model.Initialize(options.Initialization, options.Seed);
        int tokenCount = options.ContextLength > 0 ? options.ContextLength : config.ContextLength;
        _pass = new GptPass(Model, options.BatchSize, tokenCount);
        _clipper = new GradClipper(_device, Model.Gradients, options.Clip);
        _optimizer = new AdamW(_device, Model.Parameters, Model.Gradients, (AdamWOptions)options.Optimizer, _clipper);
        _sampler = new BatchSampler(data.Training, options.BatchSize, tokenCount, options.Seed, options.BatchOrder);
        _schedule = options.CreateSchedule();
        _inputs = new int[options.BatchSize * tokenCount];
        _targets = new int[_inputs.Length];
        Gradients = new GradientRecord(TensorsOf(Model));
    }

    /// <summary>The model, to be spoilt before a step.</summary>
    public GptModel Model { get; }

    /// <summary>The readings of the latest step.</summary>
    public GradientRecord Gradients { get; }

    /// <summary>Steps made.</summary>
    public long Step { get; private set; }

    private int UpdatesEvery { get; }

    /// <summary>Every tensor of a model, with its block as depth.</summary>
    public static MonitoredTensor[] TensorsOf(GptModel model)
    {
        var tensors = new MonitoredTensor[model.Parameters.Count];
        for (int i = 0; i < tensors.Length; i++)
        {
            string[] parts = model.Parameters.NameOf(i).Split('.');
            int? depth = parts[0] == "h" ? int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture) : null;
            tensors[i] = new MonitoredTensor(model.Parameters.NameOf(i), model.Parameters.ShapeOf(i).Length, depth);
        }
        return tensors;
    }

    /// <summary>Makes the remaining steps and tells an observer of them.</summary>
    /// <param name="observer">Told of every step and its gradients.</param>
    /// <param name="beforeStep">Called with the number of the step that is about to be made; false ends the run.</param>
    public void Run(IStepObserver observer, Func<long, bool>? beforeStep = null)
    {
        while (Step < _options.Steps && beforeStep?.Invoke(Step + 1) != false)
        {
            StepRecord record = TrainStep();
            observer.OnStep(record);
            observer.OnGradients(Gradients);
        }
    }

    /// <summary>Makes one step and measures it.</summary>
    public StepRecord TrainStep()
    {
        long started = Stopwatch.GetTimestamp();
        _pass.ResetLoss();
        Model.ZeroGradients();
        _sampler.Fill(Step, _inputs, _targets);
        _pass.ForwardBackward(_inputs, _targets);
        double rate = _schedule.At(Step++);
        bool measuresUpdates = (Step - 1) % UpdatesEvery == 0;
        float[][] gradients = Copy(Model.Gradients);
        float[][]? before = measuresUpdates ? Copy(Model.Parameters) : null;
        _optimizer.Step(rate);
        ClipResult clip = _clipper.Read();
        Gradients.Step = Step;
        Gradients.Coefficient = clip.Coefficient;
        Gradients.Skipped = clip.Skipped;
        Gradients.HasUpdates = measuresUpdates && !Gradients.Skipped;
        double beta2 = ((AdamWOptions)_options.Optimizer).Beta2;
        Gradients.Beta2 = beta2;
        Gradients.Beta2Power = _optimizer.ReadProgress().Beta2Power;
        double correction = 1 - Math.Pow(beta2, _optimizer.ReadProgress().Step);
        for (int i = 0; i < gradients.Length; i++)
            Gradients.Places[i] = Gradients.HasUpdates
                ? Measure(gradients[i], clip.Coefficient, before![i], Model.Parameters[i].ToArray(), _optimizer.SecondMoments[i].ToArray(), correction)
                : Measure(gradients[i], clip.Coefficient);
        return new StepRecord
        {
            Step = Step,
            TotalSteps = _options.Steps,
            Loss = _pass.ReadLoss(),
            Clip = clip,
            LearningRate = rate,
            Tokens = _inputs.Length,
            Duration = Stopwatch.GetElapsedTime(started),
        };
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _clipper.Dispose();
        _pass.Dispose();
        Model.Dispose();
        _device.Dispose();
    }

    private static float[][] Copy(ParameterArena arena) => [.. Enumerable.Range(0, arena.Count).Select(i => arena[i].ToArray())];

    private static TensorReading Measure(float[] gradient, double coefficient)
    {
        double squares = 0;
        float largest = 0;
        long bad = 0, first = -1;
        for (int i = 0; i < gradient.Length; i++)
        {
            squares += (double)gradient[i] * gradient[i];
            largest = MathF.Max(largest, MathF.Abs(gradient[i]));
            if (float.IsFinite(gradient[i]))
                continue;
            bad++;
            first = first < 0 ? i : first;
        }
        return new TensorReading
        {
            Norm = Math.Sqrt(squares),
            NormAfter = coefficient * Math.Sqrt(squares),
            MaxMagnitude = largest,
            NonFiniteCount = bad,
            FirstNonFinite = first,
            WeightNorm = double.NaN,
            UpdateNorm = double.NaN,
            GradientRms = double.NaN,
            SecondMomentRatio = double.NaN,
        };
    }

    private static TensorReading Measure(float[] gradient, double coefficient, float[] before, float[] after, float[] v, double correction)
    {
        double weights = 0, updates = 0, ratios = 0, seconds = 0, squares = 0;
        for (int i = 0; i < gradient.Length; i++)
        {
            double g = coefficient * gradient[i], second = v[i] / correction, change = (double)after[i] - before[i];
            weights += (double)before[i] * before[i];
            updates += change * change;
            ratios += g == 0 ? 0 : g * g / second;
            seconds += second;
            squares += g * g;
        }
        return Measure(gradient, coefficient) with
        {
            WeightNorm = Math.Sqrt(weights),
            UpdateNorm = Math.Sqrt(updates),
            GradientRms = Math.Sqrt(ratios / gradient.Length),
            SecondMomentRatio = seconds / squares,
        };
    }
}
