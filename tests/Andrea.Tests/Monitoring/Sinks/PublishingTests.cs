using System.Diagnostics;
using System.Diagnostics.Metrics;
using Andrea.Monitoring;
using Andrea.Monitoring.Sinks;
using Andrea.Tests.Cpu;
using Microsoft.Extensions.Logging;

namespace Andrea.Tests.Monitoring.Sinks;

/// <summary><see cref="MeterObserver"/>, <see cref="TraceObserver"/> and <see cref="LoggerObserver"/>. Meters and sources are the whole process's.</summary>
[Collection(Name)]
public class PublishingTests
{
    public const string Name = "Publishing";

    [Fact]
    public void Meter_Records_ArriveUnderTheDocumentedNamesAndUnits()
    {
        var values = new List<string>();
        using MeterListener listener = Listen(values);
        using (var observer = new MeterObserver())
        {
            observer.OnStep(TestRecords.Step(7));
            observer.OnStep(TestRecords.SkippedStep(8));
            GradientRecord gradients = TestRecords.Gradients(8);
            observer.OnGradients(gradients);
            TestRecords.Fill(gradients, 9, updates: true);
            observer.OnGradients(gradients);
            observer.OnEvaluation(new EvaluationRecord(8, 1.25, Best: true));
            observer.OnSpike(new SpikeRecord(8, SpikeQuantity.Norm, 9, 8, 1));
            observer.OnVerdict(TestRecords.Verdict(8));
        }
        string[] ofAStep =
        [
            "andrea.loss nat 9.5", "andrea.gradient.norm 4.25", "andrea.gradient.norm_after 1", "andrea.clip.coefficient 0.25", "andrea.clip.rate 1",
            "andrea.learning_rate 0.0003", "andrea.tokens_per_second {token}/s 61440", "andrea.step {step} 7", "andrea.steps {step} 1",
            "andrea.tokens {token} 768", "andrea.step.duration s 0.0125",
        ];
        Assert.Equal(ofAStep, values[..ofAStep.Length]);
        foreach (string expected in (string[])
            [
                "andrea.loss nat NaN", "andrea.gradient.norm Infinity", "andrea.steps.skipped {step} 1", "andrea.step {step} 8",
                "andrea.tensor.gradient_norm 81 tensor=h.0.attn", "andrea.tensor.gradient_norm 91 tensor=h.0.attn",
                "andrea.tensor.update_ratio 0.125 tensor=wte", "andrea.validation_loss nat 1.25", "andrea.spikes {spike} 1 quantity=norm",
                "andrea.verdicts {verdict} 1 kind=DeadTensor",
            ])
            Assert.Single(values, expected);
        Assert.Equal(3, values.Count(value => value.StartsWith("andrea.tensor.update_ratio", StringComparison.Ordinal)));
    }

    [Fact]
    public void Meter_StepsAndGradients_AllocateNothing()
    {
        using var listener = new MeterListener { InstrumentPublished = Enable };
        listener.SetMeasurementEventCallback<double>(static (_, _, _, _) => { });
        listener.SetMeasurementEventCallback<long>(static (_, _, _, _) => { });
        listener.Start();
        using var observer = new MeterObserver();
        StepRecord step = TestRecords.Step(1);
        GradientRecord gradients = TestRecords.Gradients(1, updates: true);
        Allocations.AssertNone(() =>
        {
            observer.OnStep(step);
            observer.OnGradients(gradients);
        });
    }

    [Fact]
    public void Trace_Run_IsTheParentOfWhatHappensInIt()
    {
        var ended = new List<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == TraceObserver.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = ended.Add,
        };
        ActivitySource.AddActivityListener(listener);
        using (var observer = new TraceObserver())
        {
            observer.OnStep(TestRecords.Step(5));
            observer.OnEvaluation(new EvaluationRecord(5, 1.25, Best: true));
            observer.OnCheckpoint(new CheckpointRecord(5, "runs/a"));
            observer.OnSpike(new SpikeRecord(6, SpikeQuantity.Loss, 9, 8, 1));
            observer.OnVerdict(TestRecords.Verdict(6));
            observer.OnStep(TestRecords.Step(6));
            Assert.Equal(4, ended.Count);
            Assert.Null(Activity.Current);
        }
        Activity run = ended[^1];
        Assert.Equal(["evaluation", "checkpoint", "spike", "verdict", "train"], ended.Select(activity => activity.OperationName));
        Assert.All(ended[..^1], activity => Assert.Equal((run.TraceId, run.SpanId), (activity.TraceId, activity.ParentSpanId)));
        Assert.Equal((5L, 6L, 1000L), (run.GetTagItem("andrea.first_step"), run.GetTagItem("andrea.last_step"), run.GetTagItem("andrea.total_steps")));
        Assert.Equal((5L, 1.25), (ended[0].GetTagItem("andrea.step"), ended[0].GetTagItem("andrea.validation_loss")));
        Assert.Equal((ActivityStatusCode.Error, "h.0.attn has had no gradient for 20 steps."), (ended[3].Status, ended[3].StatusDescription));
    }

    [Fact]
    public void Trace_NobodyListens_MakesNothing()
    {
        using var observer = new TraceObserver();
        observer.OnStep(TestRecords.Step(1));
        observer.OnVerdict(TestRecords.Verdict(1));
        Assert.Null(Activity.Current);
    }

    [Fact]
    public void Logger_Records_HaveTheirLevelsAndFields()
    {
        var logger = new ListLogger();
        var observer = new LoggerObserver(logger, every: 2);
        observer.OnStep(TestRecords.Step(1));
        observer.OnStep(TestRecords.Step(2));
        observer.OnStep(TestRecords.SkippedStep(3));
        observer.OnEvaluation(new EvaluationRecord(3, 1.25, Best: true));
        observer.OnSample(new SampleRecord(3, "text"));
        observer.OnCheckpoint(new CheckpointRecord(3, "runs/a"));
        observer.OnSpike(new SpikeRecord(3, SpikeQuantity.Norm, 9.5, 8, 1));
        observer.OnVerdict(TestRecords.Verdict(3));
        Assert.Equal(
            [
                "Debug 1 Step 2/1000: loss 4.5, norm 4.25, coefficient 0.25, lr 0.0003, 61440 tokens/s",
                "Warning 2 Step 3 was skipped: 3 gradients are not finite, the first in h.0.attn[17]",
                "Information 3 Step 3: validation loss 1.25, best True",
                "Debug 4 Step 3: sample text",
                "Information 5 Step 3: checkpoint runs/a",
                "Warning 6 Step 3: Norm 9.5 stands 8 deviations above its median 1",
                "Warning 7 Step 3: DeadTensor since step 2. h.0.attn has had no gradient for 20 steps. Use another activation.",
            ],
            logger.Entries);
        Assert.Contains(new KeyValuePair<string, object?>("ValidationLoss", 1.25), logger.Fields);
    }

    private static MeterListener Listen(List<string> values)
    {
        var listener = new MeterListener { InstrumentPublished = Enable };
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => values.Add(Text(instrument, FormattableString.Invariant($"{value}"), tags)));
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => values.Add(Text(instrument, FormattableString.Invariant($"{value}"), tags)));
        listener.Start();
        return listener;
    }

    private static void Enable(Instrument instrument, MeterListener listener)
    {
        if (instrument.Meter.Name == MeterObserver.MeterName)
            listener.EnableMeasurementEvents(instrument);
    }

    private static string Text(Instrument instrument, string value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        string text = string.Join(' ', ((string?[])[instrument.Name, instrument.Unit, value]).OfType<string>());
        foreach (KeyValuePair<string, object?> tag in tags)
            text += $" {tag.Key}={tag.Value}";
        return text;
    }

    private sealed class ListLogger : ILogger
    {
        public List<string> Entries { get; } = [];

        public List<KeyValuePair<string, object?>> Fields { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            Entries.Add(FormattableString.Invariant($"{logLevel} {eventId.Id} {formatter(state, exception)}"));
            if (state is IEnumerable<KeyValuePair<string, object?>> fields)
                Fields.AddRange(fields);
        }
    }
}
