using Andrea.Clipping;
using Andrea.Data;
using Andrea.Gpt;
using Andrea.Monitoring;
using Andrea.Optim;
using Andrea.Training;

namespace Andrea.Cli.Lab;

/// <summary>What one run of <see cref="SlingshotExperiment"/> saw.</summary>
/// <param name="ZeroSum">Whether gradients of logits summed to 0.</param>
/// <param name="Seed">The run's seed.</param>
/// <param name="FirstAbsorbed">First step in which more than half of the tokens were absorbed; null if none was.</param>
/// <param name="Last">The last measurement.</param>
/// <param name="LargestDrift">Largest drift of the head's mean row.</param>
/// <param name="WorstError">Largest zero-sum error after half of the tokens were absorbed.</param>
/// <param name="Spikes">Loss spikes after the task was learned.</param>
/// <param name="HighestLoss">Highest loss after the task was learned.</param>
internal sealed record SlingshotResult(
    bool ZeroSum, ulong Seed, long? FirstAbsorbed, AbsorptionRecord Last, double LargestDrift, double WorstError, int Spikes, double HighestLoss);

/// <summary>A tiny GPT that learns a sequence by heart and is then trained on and on: tokens are absorbed, and the head drifts (arXiv:2605.06152).</summary>
/// <remarks>No weight decay, no clip, a constant rate: what would hold the weights back hides the effect.</remarks>
internal sealed record SlingshotExperiment
{
    public long Steps { get; init; } = 20_000;

    public double LearningRate { get; init; } = 3e-3;

    /// <summary>A short memory: updates keep their size however small gradients get, and certainty grows quickly.</summary>
    public double Beta2 { get; init; } = 0.95;

    /// <summary>Loss under which the task counts as learned.</summary>
    public double Learned { get; init; } = 0.01;

    public SlingshotResult Run(bool zeroSum, ulong seed)
    {
        using Device device = Device.Cpu(1);
        var config = new GptConfig { VocabularySize = 1, ContextLength = 8, ChannelCount = 16, HeadCount = 1, LayerCount = 1, TiedHead = false };
        TokenDataset data = TokenDataset.FromText(string.Concat(Enumerable.Repeat("abcdefghijkl", 20)), "char");
        using var trainer = new Trainer(device, config, data, new TrainerOptions
        {
            Steps = Steps,
            BatchSize = 4,
            LearningRate = LearningRate,
            Schedule = ScheduleKind.Constant,
            Clip = new GradClipperOptions { MaxNorm = double.PositiveInfinity },
            Optimizer = new AdamWOptions { WeightDecay = 0, Beta2 = Beta2, Epsilon = 1e-15 },
            Monitor = GradientMonitorOptions.Off,
            Diagnosis = null,
            EvaluationBatches = 0,
            Seed = seed,
            ZeroSumGradient = zeroSum,
            AbsorptionEvery = 20,
        });
        var watch = new Watch(Learned);
        trainer.Observe(watch);
        for (long step = 0; step < Steps; step++)
            trainer.TrainStep();
        return new SlingshotResult(zeroSum, seed, watch.FirstAbsorbed, watch.Last, watch.LargestDrift, watch.WorstError, watch.Spikes, watch.HighestLoss);
    }

    private sealed class Watch(double learned) : IStepObserver
    {
        private bool _isLearned, _isHigh;

        public long? FirstAbsorbed { get; private set; }

        public AbsorptionRecord Last { get; private set; }

        public double LargestDrift { get; private set; }

        public double WorstError { get; private set; }

        public int Spikes { get; private set; }

        public double HighestLoss { get; private set; }

        public void OnStep(in StepRecord record)
        {
            _isLearned |= record.Loss < 0.1 * learned;
            if (!_isLearned)
                return;
            HighestLoss = Math.Max(HighestLoss, record.Loss);
            Spikes += !_isHigh && record.Loss > learned ? 1 : 0;
            _isHigh = record.Loss > (_isHigh ? 0.5 : 1) * learned;
        }

        public void OnAbsorption(in AbsorptionRecord record)
        {
            Last = record;
            LargestDrift = Math.Max(LargestDrift, record.HeadMeanDrift);
            if (record.AbsorbedShare > 0.5)
                FirstAbsorbed ??= record.Step;
            if (FirstAbsorbed is not null)
                WorstError = Math.Max(WorstError, record.ZeroSumError);
        }
    }
}
