using System.Globalization;
using Andrea.Clipping;
using Andrea.Monitoring;
using Andrea.Monitoring.Diagnosis;

namespace Andrea.Tests.Monitoring.Diagnosis;

/// <summary>A run made of formulas, step by step, healthy unless a formula is changed: falling loss, steady norms, ratios of 0.3 %.</summary>
internal sealed class SyntheticRun
{
    public const int Blocks = 6, Vocabulary = 100;

    private static readonly string[] Kinds = ["attn.c_attn.weight", "mlp.c_fc.weight", "mlp.c_proj.weight"];

    private readonly GradientRecord _gradients;
    private long _clipped;

    public SyntheticRun()
    {
        Tensors =
        [
            new("wte", 6400, null),
            .. from block in Enumerable.Range(0, Blocks)
               from kind in Kinds
               select new MonitoredTensor(string.Create(CultureInfo.InvariantCulture, $"h.{block}.{kind}"), 4096, block),
            new("ln_f.weight", 64, null),
        ];
        _gradients = new GradientRecord(Tensors);
    }

    public IReadOnlyList<MonitoredTensor> Tensors { get; }

    public Func<long, double> Loss { get; set; } = step => 1.5 + 3.1 * Math.Exp(-step / 300.0) + 0.02 * Wave(step);

    /// <summary>The source of a step; null for a run without any.</summary>
    public Func<long, string?> Source { get; set; } = step => null;

    public Func<long, double> Norm { get; set; } = step => 0.6 + 0.05 * Wave(step + 7);

    public Func<long, double> Rate { get; set; } = step => 1e-3;

    public double MaxNorm { get; set; } = 1;

    public Func<long, MonitoredTensor, double> TensorNorm { get; set; } = (step, tensor) => 0.1 + 0.01 * Wave(step + tensor.Name.Length);

    public Func<long, MonitoredTensor, double> UpdateRatio { get; set; } = (step, tensor) => 3e-3;

    public Func<long, MonitoredTensor, double> WeightRms { get; set; } = (step, tensor) => 0.03;

    public Func<long, MonitoredTensor, double> SecondMomentRatio { get; set; } = (step, tensor) => 1;

    /// <summary>Index of the first NaN gradient of a tensor, or -1.</summary>
    public Func<long, MonitoredTensor, long> FirstBad { get; set; } = (step, tensor) => -1;

    /// <summary>Steps between records of gradients; 0 for none.</summary>
    public int RecordEvery { get; set; } = 1;

    /// <summary>A fixed scatter between -1 and 1.</summary>
    public static double Wave(long step) => Math.Sin(12.9898 * step) * Math.Cos(78.233 * step);

    public GradientDiagnosis Diagnose(long steps, GradientDiagnosisOptions? options = null)
    {
        var diagnosis = new GradientDiagnosis(options) { VocabularySize = Vocabulary, MaxNorm = MaxNorm };
        for (long step = 1; step <= steps; step++)
            Tell(diagnosis, step);
        diagnosis.Dispose();
        return diagnosis;
    }

    public void Tell(IStepObserver observer, long step)
    {
        observer.OnStep(Step(step));
        if (RecordEvery > 0 && step % RecordEvery == 0)
            observer.OnGradients(Gradients(step));
    }

    public StepRecord Step(long step)
    {
        MonitoredTensor? bad = Tensors.FirstOrDefault(tensor => FirstBad(step, tensor) >= 0);
        double norm = bad is null ? Norm(step) : double.NaN;
        double coefficient = norm > MaxNorm ? MaxNorm / norm : 1;
        _clipped += coefficient < 1 ? 1 : 0;
        return new StepRecord
        {
            Step = step,
            TotalSteps = 10_000,
            Loss = Loss(step),
            Source = Source(step),
            Clip = new ClipResult
            {
                Call = step,
                NormBefore = norm,
                NormAfter = coefficient * norm,
                Coefficient = coefficient,
                MaxMagnitude = norm,
                ClippedCalls = _clipped,
                SkippedCalls = 0,
                NonFiniteCount = bad is null ? 0 : 3,
                FirstBadTensor = bad?.Name,
                FirstBadIndex = bad is null ? -1 : FirstBad(step, bad),
                SkipReason = bad is null ? SkipReason.None : SkipReason.NonFiniteGradients,
            },
            LearningRate = Rate(step),
            Tokens = 256,
            Duration = TimeSpan.FromMilliseconds(1),
        };
    }

    public GradientRecord Gradients(long step)
    {
        _gradients.Step = step;
        _gradients.Coefficient = 1;
        _gradients.Skipped = Tensors.Any(tensor => FirstBad(step, tensor) >= 0);
        _gradients.HasUpdates = !_gradients.Skipped;
        (_gradients.Beta2, _gradients.Beta2Power) = (0.999, 0);
        for (int i = 0; i < Tensors.Count; i++)
        {
            long bad = FirstBad(step, Tensors[i]);
            double norm = bad < 0 ? TensorNorm(step, Tensors[i]) : double.NaN;
            double weights = WeightRms(step, Tensors[i]) * Math.Sqrt(Tensors[i].Length);
            _gradients.Places[i] = new TensorReading
            {
                Norm = norm,
                NormAfter = norm,
                MaxMagnitude = (float)norm,
                NonFiniteCount = bad < 0 ? 0 : 3,
                FirstNonFinite = bad,
                WeightNorm = weights,
                UpdateNorm = weights * UpdateRatio(step, Tensors[i]),
                GradientRms = 1,
                SecondMomentRatio = SecondMomentRatio(step, Tensors[i]),
            };
        }
        return _gradients;
    }
}
