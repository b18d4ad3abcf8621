using Andrea.Cli.Lab;

namespace Andrea.Tests.Cli.Lab;

/// <summary>The claim of arXiv:2506.04805 in small: Adam's spikes come with a large beta2, and the curvature along the gradient announces them.</summary>
public class PredictorExperimentTests
{
    [Fact]
    public void Curvature_AtLargeBeta2_AnnouncesTheSpikes()
    {
        var experiment = new PredictorExperiment();
        PredictorResult slow = experiment.Run(beta2: 0.999, seed: 1), quick = experiment.Run(beta2: 0.9, seed: 1);
        Assert.InRange(slow.Spikes, 10, 100);
        Assert.True(quick.Spikes < slow.Spikes);
        Assert.True(slow.Curvature.Hits >= 0.9 * slow.Spikes, $"{slow.Curvature.Hits} of {slow.Spikes} announced");
        Assert.True(slow.Curvature.FalseAlarms <= slow.Curvature.Hits, $"{slow.Curvature.FalseAlarms} false alarms");
        Assert.InRange(slow.Curvature.Leads.Average(), 5, 100);
        Assert.True(slow.StaleMoment.Hits >= 0.5 * slow.Spikes, $"{slow.StaleMoment.Hits} of {slow.Spikes} seen in v alone");
        Assert.True(quick.ShareAbove < 0.5 * slow.ShareAbove);
    }

    [Fact]
    public void Spikes_AreCountedOnceAndEndWithCalm()
    {
        var spikes = new LossSpikes(factor: 10);
        int begun = 0;
        for (int step = 0; step < 400; step++)
            begun += spikes.Begins(step is 150 or 155 or 300 ? 20 : step == 151 ? 8 : 1) ? 1 : 0;
        Assert.Equal(2, begun);
    }

    [Fact]
    public void Score_OfAnnouncements_KnowsHitsMissesAndFalseAlarms()
    {
        var score = new PredictionScore(horizon: 10);
        for (long step = 1; step <= 100; step++)
            score.Next(step, announces: step is 5 or 7 or 40 or 61, spikeBegins: step is 9 or 60 or 90, spikeIsOn: step is >= 60 and < 65);
        Assert.Equal((1, 2, 1), (score.Hits, score.Misses, score.FalseAlarms));
        Assert.Equal([4], score.Leads);
    }
}
