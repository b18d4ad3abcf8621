using Andrea.Clipping;
using Andrea.Monitoring;
using Andrea.Monitoring.Diagnosis;
using Andrea.Optim;

namespace Andrea.Cli.Lab;

/// <summary>What one run of <see cref="PredictorExperiment"/> saw.</summary>
internal sealed record PredictorResult(
    double Beta2, ulong Seed, int Spikes, PredictionScore Curvature, PredictionScore StaleMoment, double ShareAbove, double FinalLoss);

/// <summary>A fully connected network trained by AdamW on all of its data, whose loss spikes the curvature along the gradient announces (arXiv:2506.04805).</summary>
/// <remarks>One network, one learning rate; only beta2 and the seed differ. Beside the curvature, which costs two gradients a step, the verdict
/// StaleSecondMoment is scored, which costs none.</remarks>
internal sealed record PredictorExperiment
{
    public int Hidden { get; init; } = 20;

    public int Points { get; init; } = 64;

    public int Steps { get; init; } = 8000;

    public double LearningRate { get; init; } = 0.02;

    /// <summary>Times its lowest recent value at which a loss is a spike.</summary>
    public double SpikeFactor { get; init; } = 10;

    /// <summary>Steps for which an announcement holds.</summary>
    public int Horizon { get; init; } = 100;

    public PredictorResult Run(double beta2, ulong seed)
    {
        using Device device = Device.Cpu(1);
        using var network = new FittingNetwork(device, Hidden, Points, seed);
        using var clipper = new GradClipper(device, network.Gradients, new GradClipperOptions { MaxNorm = double.PositiveInfinity });
        using var optimizer = new AdamW(device, network.Parameters, network.Gradients, new AdamWOptions { Beta2 = beta2, WeightDecay = 0 }, clipper);
        using var monitor = new GradientMonitor(clipper, optimizer, new GradientMonitorOptions { UpdatesEvery = 1 });
        var probe = new CurvatureProbe(network.Parameters, network.Gradients, optimizer, new CurvatureOptions { Every = 1 });
        bool stale = false;
        using var diagnosis = new GradientDiagnosis(new GradientDiagnosisOptions { EndAfter = 20 });
        diagnosis.Found += verdict => stale |= verdict.Kind == VerdictKind.StaleSecondMoment;
        var spikes = new LossSpikes(SpikeFactor);
        var curvatureScore = new PredictionScore(Horizon);
        var staleScore = new PredictionScore(Horizon);
        Action differentiate = () => network.Differentiate();
        int count = 0, above = 0;
        double loss = 0;
        for (int step = 1; step <= Steps; step++)
        {
            loss = network.Differentiate();
            probe.Begin(differentiate);
            optimizer.Step(LearningRate);
            CurvatureRecord curvature = probe.Complete(step, LearningRate);
            stale = false;
            diagnosis.OnGradients(monitor.Read());
            bool begins = spikes.Begins(loss);
            count += begins ? 1 : 0;
            above += curvature.Instability > 1 ? 1 : 0;
            curvatureScore.Next(step, curvature.Announces, begins, spikes.IsOn);
            staleScore.Next(step, stale, begins, spikes.IsOn);
        }
        return new PredictorResult(beta2, seed, count, curvatureScore, staleScore, (double)above / Steps, loss);
    }
}
