using Andrea.Clipping;
using Andrea.Monitoring;

namespace Andrea.Tests.Monitoring;

/// <summary>Records to feed observers with.</summary>
internal static class TestRecords
{
    public static IReadOnlyList<MonitoredTensor> Tensors { get; } = [new("wte", 640, null), new("h.0.attn", 256, 0), new("h.1.\"mlp\", a", 256, 1)];

    public static StepRecord Step(long step) => new()
    {
        Step = step,
        TotalSteps = 1000,
        Loss = 2.5 + step,
        Clip = new ClipResult { Call = step, NormBefore = 4.25, NormAfter = 1, Coefficient = 0.25, MaxMagnitude = 2, ClippedCalls = step, SkippedCalls = 0 },
        LearningRate = 3e-4,
        Tokens = 768,
        Duration = TimeSpan.FromMilliseconds(12.5),
    };

    public static StepRecord SkippedStep(long step) => Step(step) with
    {
        Loss = double.NaN,
        Clip = new ClipResult
        {
            Call = step,
            NormBefore = double.PositiveInfinity,
            NormAfter = double.NaN,
            Coefficient = 0,
            MaxMagnitude = double.NaN,
            ClippedCalls = 0,
            SkippedCalls = 1,
            ConsecutiveSkips = 1,
            SkipReason = SkipReason.NonFiniteGradients,
            NonFiniteCount = 3,
            FirstBadTensor = "h.0.attn",
            FirstBadIndex = 17,
        },
    };

    /// <summary>Tensor i has norm 10 step + i.</summary>
    public static GradientRecord Gradients(long step, bool updates = false, IReadOnlyList<MonitoredTensor>? tensors = null)
    {
        var record = new GradientRecord(tensors ?? Tensors);
        Fill(record, step, updates);
        return record;
    }

    /// <summary>Fills a record as a monitor does, which uses the same one for every step.</summary>
    public static void Fill(GradientRecord record, long step, bool updates = false)
    {
        record.Step = step;
        record.Coefficient = 0.5;
        record.Skipped = false;
        record.HasUpdates = updates;
        for (int i = 0; i < record.Places.Length; i++)
            record.Places[i] = new TensorReading
            {
                Norm = 10 * step + i,
                NormAfter = 5 * step,
                Coefficient = 0.5,
                MaxMagnitude = 0.125f,
                NonFiniteCount = 0,
                FirstNonFinite = -1,
                WeightNorm = updates ? 4 : double.NaN,
                UpdateNorm = updates ? 0.5 : double.NaN,
                GradientRms = updates ? 1.0 / 3 : double.NaN,
                SecondMomentRatio = updates ? 1.5 : double.NaN,
            };
    }

    public static Verdict Verdict(long step) => new()
    {
        Kind = VerdictKind.DeadTensor,
        Step = step,
        Since = step - 1,
        Summary = "h.0.attn has had no gradient for 20 steps.",
        Remedy = "Use another activation.",
        Tensors = ["h.0.attn"],
    };
}

/// <summary>Writes down what it is told, in few words; can be made to hang until it is let go, or to fail.</summary>
internal sealed class ToldObserver : IStepObserver, IDisposable
{
    private readonly List<string> _told = [];
    private readonly ManualResetEventSlim _letGo = new(true), _isHanging = new(false);

    /// <summary>What it was told, such as "step 3".</summary>
    public IReadOnlyList<string> Told
    {
        get
        {
            lock (_told)
                return [.. _told];
        }
    }

    public Action<string>? OnTold { get; set; }

    public Action? OnFlush { get; set; }

    public Action? OnDispose { get; set; }

    public int Flushes { get; private set; }

    public bool IsDisposed { get; private set; }

    /// <summary>From now on it hangs in every call.</summary>
    public void Hang() => _letGo.Reset();

    public void LetGo() => _letGo.Set();

    public void WaitUntilItHangs() => Assert.True(_isHanging.Wait(TimeSpan.FromMinutes(1)));

    public void OnStep(in StepRecord record) => Tell($"step {record.Step}");

    public void OnGradients(GradientRecord record) => Tell($"gradients {record.Step} {record.Readings[0].Norm}");

    public void OnSpike(in SpikeRecord record) => Tell($"spike {record.Step}");

    public void OnVerdict(Verdict verdict) => Tell($"verdict {verdict.Step}");

    public void OnEvaluation(EvaluationRecord record) => Tell($"evaluation {record.Step}");

    public void OnSample(SampleRecord record) => Tell($"sample {record.Step}");

    public void OnCheckpoint(CheckpointRecord record) => Tell($"checkpoint {record.Step}");

    public void Flush()
    {
        Flushes++;
        OnFlush?.Invoke();
    }

    public void Dispose()
    {
        OnDispose?.Invoke();
        IsDisposed = true;
    }

    private void Tell(string what)
    {
        if (!_letGo.IsSet)
        {
            _isHanging.Set();
            _letGo.Wait();
        }
        lock (_told)
            _told.Add(what);
        OnTold?.Invoke(what);
    }
}
