using System.Text.Json;
using System.Text.Json.Nodes;
using Andrea.Clipping;
using Andrea.Clipping.Policies;
using Andrea.Monitoring;
using Andrea.Tests.Support;
using Andrea.Training;
using Andrea.Training.Checkpoints;

namespace Andrea.Tests.Training;

/// <summary>A run with any clip policy: resumed bit for bit, and told tensor by tensor.</summary>
public class TrainerPolicyTests
{
    public static TheoryData<string> Kinds => [.. ClipPolicy.Kinds];

    [Theory, MemberData(nameof(Kinds))]
    public void Resume_WithEveryPolicy_GivesTheBitsOfAStraightRun(string kind)
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(2);
        var straightLog = new RecordLog();
        var resumedLog = new RecordLog();
        using Trainer straight = SmallRun.Create(device, Options(kind));
        straight.Observe(straightLog);
        Train(straight, 10);
        using (Trainer stopped = SmallRun.Create(device, Options(kind) with { RunFolder = folder["run"] }))
        {
            stopped.Observe(resumedLog);
            Train(stopped, 6);
            stopped.WriteCheckpoint();
        }
        using Trainer resumed = SmallRun.Resume(device, folder["run"]);
        resumed.Observe(resumedLog);
        Train(resumed, 4);
        resumed.WriteCheckpoint();
        Assert.Equal(straight.Bits(), resumed.Bits());
        Assert.Equal(straightLog.Steps.Select(Told), resumedLog.Steps.Select(Told));
        Assert.Contains(resumedLog.Steps, record => record.Clip.Clipped);
        Assert.Equal(kind, resumed.Options.Clip.Policy.Kind);
    }

    [Fact]
    public void Resume_WithAnotherPolicy_BeginsItAfresh()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        using (Trainer stopped = SmallRun.Create(device, Options("zclip") with { RunFolder = folder["run"] }))
        {
            Train(stopped, 6);
            stopped.WriteCheckpoint();
        }
        using Trainer resumed = Trainer.Resume(
            device, folder["run"], _ => SmallRun.Data, options => options with { Clip = options.Clip with { Policy = new AdaGcPolicy() } });
        Train(resumed, 2);
        CheckpointState state = CheckpointFolder.ReadState(resumed.WriteCheckpoint());
        Assert.Equal(("adagc", 2.0), (state.Clip.Policy!.Kind, state.Clip.Policy.Values["steps"][0]));
    }

    [Fact]
    public void Checkpoint_WithoutPolicy_IsReadAsGlobal()
    {
        var counters = new ClipCounters(1, 2, 3, 4);
        JsonObject json = JsonSerializer.SerializeToNode(counters, CheckpointJson.Default.ClipCounters)!.AsObject();
        json.Remove("policy");
        Assert.Equal(counters, json.Deserialize(CheckpointJson.Default.ClipCounters));
    }

    [Fact]
    public void Gradients_OfAPerTensorPolicy_TellEachCoefficient()
    {
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, Options("per-tensor") with { Clip = new GradClipperOptions { MaxNorm = 0.1, Policy = new PerTensorPolicy() } });
        var log = new GradientLog();
        trainer.Observe(log);
        Train(trainer, 3);
        GradientRecord record = log.Records[0];
        double[] coefficients = [.. record.Readings.ToArray().Select(reading => reading.Coefficient)];
        Assert.True(coefficients.Distinct().Count() > 2);
        foreach (TensorReading reading in record.Readings)
        {
            Assert.Equal(reading.Norm > 0.1 ? 0.1 / reading.Norm : 1, reading.Coefficient, 1e-6);
            Assert.Equal(reading.Coefficient * reading.Norm, reading.NormAfter, 1e-12);
        }
    }

    private static (long Step, double Loss, ClipResult Clip) Told(StepRecord record) => (record.Step, record.Loss, record.Clip);

    private static void Train(Trainer trainer, int steps)
    {
        for (int i = 0; i < steps; i++)
            trainer.TrainStep();
    }

    private static TrainerOptions Options(string kind) => SmallRun.Options with
    {
        Steps = 10,
        Clip = new GradClipperOptions
        {
            // ZClip's own limit is to decide.
            MaxNorm = kind == "zclip" ? double.PositiveInfinity : 0.5,
            Policy = kind switch
            {
                "zclip" => new ZClipPolicy { WarmupSteps = 4, Threshold = 0.2 },
                "adagc" => new AdaGcPolicy { WarmupSteps = 4 },
                "value" => new ValuePolicy { Limit = 0.01 },
                _ => ClipPolicy.Create(kind),
            },
        },
    };

    private sealed class GradientLog : IStepObserver
    {
        public List<GradientRecord> Records { get; } = [];

        public void OnStep(in StepRecord record)
        {
        }

        public void OnGradients(GradientRecord record) => Records.Add(record.Copy());
    }
}
