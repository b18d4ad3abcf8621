using Andrea.Gpt;
using Andrea.Monitoring;
using Andrea.Tests.Support;
using Andrea.Training;

namespace Andrea.Tests.Training;

/// <summary>Absorbed tokens in a training run.</summary>
public class TrainerAbsorptionTests
{
    [Theory]
    [InlineData("cpu-1")]
    [InlineData(TestDevice.Emulator)]
    public void Logits_LookedAt_LeaveEveryBitOfTheRun(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        TrainerOptions options = SmallRun.Options with { MicroBatches = 2, BatchSize = 2 };
        using Trainer plain = SmallRun.Create(test.Device, options);
        using Trainer looked = SmallRun.Create(test.Device, options with { AbsorptionEvery = 2 });
        var log = new AbsorptionLog();
        looked.Observe(log);
        for (int step = 0; step < 4; step++)
        {
            plain.TrainStep();
            looked.TrainStep();
        }
        Assert.Equal(plain.Bits(), looked.Bits());
        Assert.Equal([2, 4], log.Records.Select(record => record.Step));
        Assert.All(log.Records, record => Assert.Equal(0, record.AbsorbedShare));
        Assert.All(log.Records, record => Assert.InRange(record.ZeroSumError, 1e-12, 1e-6));
        Assert.Equal(0, log.Records[0].HeadMeanDrift);
        Assert.True(log.Records[1].HeadMeanDrift > 0);
        float[] head = looked.Model.HeadWeight.ToArray();
        int channels = looked.Model.Config.ChannelCount;
        double[] mean = [.. Enumerable.Range(0, channels).Select(i => head.Where((_, j) => j % channels == i).Average(value => (double)value))];
        Assert.Equal(Math.Sqrt(mean.Sum(value => value * value)), log.Records[1].HeadMeanNorm, 1e-6);
    }

    [Fact]
    public void AbsorbedShare_OfAModelThatIsSure_IsOne()
    {
        using TestDevice test = TestDevice.Open("cpu-1");
        using Trainer trainer = SmallRun.Create(test.Device, SmallRun.Options);
        using var pass = new GptPass(trainer.Model, 1, 8);
        using var monitor = new AbsorptionMonitor(trainer.Model, pass);
        // Whatever a model says 1e6 times as loudly is said for sure.
        trainer.Model.Parameters["ln_f.weight"].CopyFrom([.. Enumerable.Repeat(1e6f, trainer.Model.Config.ChannelCount)]);
        int[] inputs = [1, 2, 3, 4, 5, 6, 7, 8];
        pass.Forward(inputs);
        float[] logits = pass.Logits.ToArray();
        int vocabulary = trainer.Model.Config.VocabularySize;
        int[] likely = [.. logits.Chunk(vocabulary).Select(row => Array.IndexOf(row, row.Max()))];
        monitor.MeasureNext();
        pass.ForwardBackward(inputs, [likely[0], likely[1], likely[2], .. likely[3..].Select(token => (token + 1) % vocabulary)]);
        Assert.Equal(3.0 / 8, monitor.Read(1).AbsorbedShare);
        Assert.Equal(15.94, AbsorptionRecord.Margin, 2);
    }

    private sealed class AbsorptionLog : IStepObserver
    {
        public List<AbsorptionRecord> Records { get; } = [];

        public void OnAbsorption(in AbsorptionRecord record) => Records.Add(record);
    }
}
