using Andrea.Monitoring;
using Andrea.Training;

namespace Andrea.Tests.Support;

public class MeasuredTrainingTests
{
    /// <summary>The oracle's loop is the trainer's, bit for bit, so its readings are about the same run.</summary>
    [Fact]
    public void TrainStep_SameOptions_IsTheTrainersStep()
    {
        TrainerOptions options = DiagnosisRun.SmallOptions with { Steps = 5, WarmupSteps = 2, EvaluateEvery = 0, EvaluationBatches = 0 };
        using Device device = Device.Cpu(1);
        using var trainer = new Trainer(device, DiagnosisRun.Small, DiagnosisRun.Corpus, options);
        var expected = new List<StepRecord>();
        trainer.Observe(new Recorder(expected));
        using var measured = new MeasuredTraining(DiagnosisRun.Small, DiagnosisRun.Corpus, options, updatesEvery: 2);
        for (int step = 0; step < 5; step++)
        {
            trainer.TrainStep();
            StepRecord actual = measured.TrainStep();
            Assert.Equal(expected[step] with { Duration = default }, actual with { Duration = default });
            GradientRecord gradients = measured.Gradients;
            double squares = 0;
            foreach (TensorReading reading in gradients.Readings)
                squares += reading.Norm * reading.Norm;
            Assert.Equal(actual.Clip.NormBefore, Math.Sqrt(squares), 1e-12);
            Assert.Equal(step % 2 == 0, gradients.HasUpdates);
            Assert.Equal(gradients.HasUpdates, gradients.Readings[0].HasUpdate);
        }
    }

    private sealed class Recorder(List<StepRecord> records) : IStepObserver
    {
        public void OnStep(in StepRecord record) => records.Add(record);
    }
}
