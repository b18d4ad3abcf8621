namespace Andrea.Monitoring.Diagnosis;

/// <summary>What <see cref="GradientDiagnosis"/> calls unusual. The defaults are calibrated on healthy runs, which must raise nothing.</summary>
/// <remarks>benchmarks/results holds the rates of false alarms; <c>Andrea.Benchmarks diagnosis</c> measures them again.</remarks>
public sealed record GradientDiagnosisOptions
{
    /// <summary>Steps whose medians of loss and norm are compared with those of as many steps before.</summary>
    /// <value>100</value>
    public int Window { get; init; } = 100;

    /// <summary>Steps whose medians of loss and norm stand for "now".</summary>
    /// <value>16</value>
    public int ShortWindow { get; init; } = 16;

    /// <summary>Monitored steps whose medians stand for a tensor's norm.</summary>
    /// <value>50</value>
    public int RecordWindow { get; init; } = 50;

    /// <summary>Monitored steps from which a tensor's median counts.</summary>
    /// <value>10</value>
    public int MinimumRecords { get; init; } = 10;

    /// <summary>Looks in a row, by steps or monitored steps, that must show a fault before it is told of; NaN and Inf are told of at once.</summary>
    /// <value>5</value>
    public int BeginAfter { get; init; } = 5;

    /// <summary>Looks in a row without a fault after which it has ended and may be told of again.</summary>
    /// <value>100</value>
    public int EndAfter { get; init; } = 100;

    /// <summary>Values of loss or norm that spikes are judged by.</summary>
    /// <value>100</value>
    public int SpikeWindow { get; init; } = 100;

    /// <summary>Values from which spikes are judged at all.</summary>
    /// <value>30</value>
    public int SpikeMinimum { get; init; } = 30;

    /// <summary>z-score above which a loss is a spike.</summary>
    /// <value>6</value>
    public double LossSpike { get; init; } = 6;

    /// <summary>z-score above which a norm is a spike. Norms have a longer tail than losses: healthy runs have one in a thousand steps or so, of
    /// 2 to 20 times the median, and the clip takes care of them.</summary>
    /// <value>10</value>
    public double NormSpike { get; init; } = 10;

    /// <summary>Least scale of a z-score, as a share of the median.</summary>
    /// <value>0.02: a loss must stand 12 % above the median to be a spike, however calm it was; and 0.03 nats, since the scale of a loss is 0.005 at least</value>
    public double SpikeSmallestShare { get; init; } = 0.02;

    /// <summary>Blocks in which a kind of tensor must occur for its norms to be compared over depth.</summary>
    /// <value>3</value>
    public int LeastDepths { get; init; } = 3;

    /// <summary>Slope of log10 norm over depth, in powers of ten a block, from which gradients vanish or explode over depth.</summary>
    /// <value>0.15</value>
    public double DepthSlope { get; init; } = 0.15;

    /// <summary>Powers of ten between the lowest and the highest block that the slope must make, besides.</summary>
    /// <value>2</value>
    public double DepthDecades { get; init; } = 2;

    /// <summary>Factor by which the norm must grow within a window to explode from step to step.</summary>
    /// <value>10</value>
    public double NormGrowth { get; init; } = 10;

    /// <summary>Monitored steps with a norm of exactly 0 that make a tensor dead.</summary>
    /// <value>20</value>
    public int DeadAfter { get; init; } = 20;

    /// <summary>Steps whose median loss is compared with that of as many steps before, to tell standing still from noise.</summary>
    /// <value>200</value>
    public int StalledWindow { get; init; } = 200;

    /// <summary>Steps in a row for which the loss must be seen to stand still.</summary>
    /// <value>50</value>
    public int StalledAfter { get; init; } = 50;

    /// <summary>Share by which the loss must fall from one window to the next to be falling.</summary>
    /// <value>0.005</value>
    public double StalledFall { get; init; } = 0.005;

    /// <summary>Share of its highest norm at which a gradient has faded.</summary>
    /// <value>0.25</value>
    public double FadedNorm { get; init; } = 0.25;

    /// <summary>Share of the peak learning rate under which standing still is the schedule's doing, and no finding.</summary>
    /// <value>0.3: schedules usually end at a tenth of the peak or less</value>
    public double StalledRateShare { get; init; } = 0.3;

    /// <summary>Share of the first loss under which a model has learned, so that standing still is no finding.</summary>
    /// <value>0.25</value>
    public double LearnedShare { get; init; } = 0.25;

    /// <summary>Share by which the loss must rise above its best, by 0.05 nats at least, for the learning rate to be too high.</summary>
    /// <value>0.2</value>
    public double LossRise { get; init; } = 0.2;

    /// <summary>Factor by which the norm must stand above that at the best loss, besides.</summary>
    /// <value>2</value>
    public double NormRise { get; init; } = 2;

    /// <summary>Measured updates, beyond warmup, whose median is the update-to-weight ratio.</summary>
    /// <value>8</value>
    public int RatioWindow { get; init; } = 8;

    /// <summary>Update-to-weight ratio from which the learning rate is too high. Adam's updates are as large as the rate, so that small models
    /// train well at 0.01 to 0.05, above the 0.001 of the rule of thumb.</summary>
    /// <value>0.1</value>
    public double LargeUpdateRatio { get; init; } = 0.1;

    /// <summary>Spikes of the norm within <see cref="SpikyWindow"/> steps from which the learning rate is too high.</summary>
    /// <value>8; healthy runs have less than one in 1,000 steps, but now and then a handful close together</value>
    public int SpikySpikes { get; init; } = 8;

    /// <summary>Steps within which spikes of the norm are counted.</summary>
    /// <value>400</value>
    public int SpikyWindow { get; init; } = 400;

    /// <summary>Factor by which the weights may grow within the first <see cref="Window"/> steps.</summary>
    /// <value>5</value>
    public double EarlyGrowth { get; init; } = 5;

    /// <summary>Factor by which the weights have grown when, with a loss that stands still, the learning rate is too high.</summary>
    /// <value>15: in small models, which begin at 0.02, healthy runs grow to 5 or 8 times as much</value>
    public double WeightGrowth { get; init; } = 15;

    /// <summary>Steps without warmup after which a run must have learned something.</summary>
    /// <value>300</value>
    public int SlowSteps { get; init; } = 300;

    /// <summary>Share of the first loss above which a run has hardly learned.</summary>
    /// <value>0.8</value>
    public double SlowShare { get; init; } = 0.8;

    /// <summary>Update-to-weight ratio up to which a run that has hardly learned is too slow.</summary>
    /// <value>0.002</value>
    public double SlowUpdateRatio { get; init; } = 0.002;

    /// <summary>Update-to-weight ratio up to which any run that stands still is too slow.</summary>
    /// <value>1e-5</value>
    public double SmallUpdateRatio { get; init; } = 1e-5;

    /// <summary>Steps over which the clip is judged.</summary>
    /// <value>200</value>
    public int ClipWindow { get; init; } = 200;

    /// <summary>Median coefficient up to which clipping is always on. Below 1 it means that more than half of the steps are clipped; healthy
    /// runs are for most of their steps, to a third and more, as their norms rise while the loss falls.</summary>
    /// <value>0.1</value>
    public double ClippedCoefficient { get; init; } = 0.1;

    /// <summary>Steps in a row that must stay far below the largest norm for the clip to protect from nothing.</summary>
    /// <value>1000</value>
    public int ClipNeverSteps { get; init; } = 1000;

    /// <summary>Factor between the largest norm seen and the largest allowed that is far.</summary>
    /// <value>20</value>
    public double ClipHeadroom { get; init; } = 20;

    /// <summary>Nats by which the first loss may stand above that of guessing, ln of the vocabulary's size.</summary>
    /// <value>2</value>
    public double InitialLossExcess { get; init; } = 2;

    /// <summary>Share of ln of the vocabulary's size that the first loss of an untrained model has at least.</summary>
    /// <value>0.8</value>
    public double UntrainedShare { get; init; } = 0.8;

    /// <summary>Steps in which weights still say how they began.</summary>
    /// <value>2</value>
    public int InitialSteps { get; init; } = 2;

    /// <summary>Least root mean square of the first weights, median over the large tensors.</summary>
    /// <value>0.001</value>
    public double SmallestInitialRms { get; init; } = 0.001;

    /// <summary>Largest root mean square of the first weights, median over the large tensors.</summary>
    /// <value>0.7</value>
    public double LargestInitialRms { get; init; } = 0.7;

    /// <summary>Samples of the coherence gate whose median says how repetitive they are now.</summary>
    /// <value>3</value>
    public int RepetitionWindow { get; init; } = 3;

    /// <summary>Samples before those, whose lowest median so far says how repetitive the model has been at best; known from half as many on.</summary>
    /// <value>20</value>
    public int RepetitionHistory { get; init; } = 20;

    /// <summary>Least rise of <see cref="CoherenceScore.Repetition"/> over the best so far that is a rise.</summary>
    /// <value>0.15</value>
    public double RepetitionRise { get; init; } = 0.15;

    /// <summary>mean(g^2) / mean(v), v before the step, up to which a second moment decays by itself.</summary>
    /// <value>0.1: more than nine tenths of what v loses in a step are not made up for</value>
    public double StaleIntake { get; init; } = 0.1;

    /// <summary>Factor by which a gradient must have grown meanwhile.</summary>
    /// <value>2</value>
    public double StaleGrowth { get; init; } = 2;

    /// <summary>Share of all parameters that must show both.</summary>
    /// <value>0.5</value>
    public double StaleShare { get; init; } = 0.5;

    /// <summary>Measured updates whose median stands for a gradient's norm there.</summary>
    /// <value>5</value>
    public int StaleWindow { get; init; } = 5;

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of range; the message names it.</exception>
    internal void Validate()
    {
        CheckCounts();
        Check(nameof(LossSpike), LossSpike);
        Check(nameof(NormSpike), NormSpike);
        Check(nameof(SpikeSmallestShare), SpikeSmallestShare);
        Check(nameof(DepthSlope), DepthSlope);
        Check(nameof(DepthDecades), DepthDecades);
        Check(nameof(NormGrowth), NormGrowth);
        Check(nameof(StalledFall), StalledFall);
        Check(nameof(FadedNorm), FadedNorm);
        Check(nameof(StalledRateShare), StalledRateShare);
        Check(nameof(LearnedShare), LearnedShare);
        Check(nameof(LossRise), LossRise);
        Check(nameof(NormRise), NormRise);
        Check(nameof(LargeUpdateRatio), LargeUpdateRatio);
        Check(nameof(EarlyGrowth), EarlyGrowth);
        Check(nameof(WeightGrowth), WeightGrowth);
        Check(nameof(SlowShare), SlowShare);
        Check(nameof(SlowUpdateRatio), SlowUpdateRatio);
        Check(nameof(SmallUpdateRatio), SmallUpdateRatio);
        Check(nameof(ClippedCoefficient), ClippedCoefficient);
        Check(nameof(ClipHeadroom), ClipHeadroom);
        Check(nameof(InitialLossExcess), InitialLossExcess);
        Check(nameof(UntrainedShare), UntrainedShare);
        Check(nameof(SmallestInitialRms), SmallestInitialRms);
        Check(nameof(LargestInitialRms), LargestInitialRms);
        Check(nameof(RepetitionRise), RepetitionRise);
        Check(nameof(StaleIntake), StaleIntake);
        Check(nameof(StaleGrowth), StaleGrowth);
        Check(nameof(StaleShare), StaleShare);
    }

    private void CheckCounts()
    {
        Check(nameof(Window), Window, 1);
        Check(nameof(ShortWindow), ShortWindow, 1);
        Check(nameof(RecordWindow), RecordWindow, 1);
        Check(nameof(MinimumRecords), MinimumRecords, 1);
        Check(nameof(BeginAfter), BeginAfter, 1);
        Check(nameof(EndAfter), EndAfter, 1);
        Check(nameof(SpikeWindow), SpikeWindow, 2);
        Check(nameof(SpikeMinimum), SpikeMinimum, 1);
        Check(nameof(LeastDepths), LeastDepths, 2);
        Check(nameof(DeadAfter), DeadAfter, 1);
        Check(nameof(StalledWindow), StalledWindow, 1);
        Check(nameof(StalledAfter), StalledAfter, 1);
        Check(nameof(RatioWindow), RatioWindow, 1);
        Check(nameof(SpikySpikes), SpikySpikes, 2);
        Check(nameof(SpikyWindow), SpikyWindow, 1);
        Check(nameof(SlowSteps), SlowSteps, 1);
        Check(nameof(ClipWindow), ClipWindow, 1);
        Check(nameof(ClipNeverSteps), ClipNeverSteps, 1);
        Check(nameof(InitialSteps), InitialSteps, 1);
        Check(nameof(RepetitionWindow), RepetitionWindow, 1);
        Check(nameof(RepetitionHistory), RepetitionHistory, 2);
        Check(nameof(StaleWindow), StaleWindow, 1);
    }

    private static void Check(string name, int value, int smallest)
    {
        // Windows are allocated at once, for every tensor.
        if (value < smallest || value > 1_000_000)
            throw new ArgumentOutOfRangeException(name, value, $"{name} is {value}; expected {smallest} to 1000000.");
    }

    private static void Check(string name, double value)
    {
        if (!(value >= 0))
            throw new ArgumentOutOfRangeException(name, value, $"{name} is {value}; expected a number from 0 up; +Infinity switches off what it is a threshold of.");
    }
}
