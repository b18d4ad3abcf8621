using Andrea.Gpt;

namespace Andrea.Tests.Gpt;

public class TokenSamplerTests
{
    [Fact]
    public void Next_Temperature0_TakesTheLikeliestAndTheLowerIdOfEquals()
    {
        var sampler = new TokenSampler(new SamplingOptions { Temperature = 0 });
        Assert.Equal(2, sampler.Next([1, 0, 5, 5]));
    }

    [Fact]
    public void Next_ManyDraws_FollowTheSoftmax()
    {
        var sampler = new TokenSampler(new SamplingOptions { Temperature = 0.5, TopK = 0, Seed = 9 });
        float[] logits = [0, 1, 2];
        var counts = new int[3];
        const int draws = 40_000;
        for (int i = 0; i < draws; i++)
            counts[sampler.Next(logits)]++;
        double sum = 1 + Math.Exp(2) + Math.Exp(4);
        Assert.Equal(1 / sum, counts[0] / (double)draws, 0.01);
        Assert.Equal(Math.Exp(2) / sum, counts[1] / (double)draws, 0.01);
        Assert.Equal(Math.Exp(4) / sum, counts[2] / (double)draws, 0.01);
    }

    [Fact]
    public void Next_TopK_NeverDrawsBeyond()
    {
        var sampler = new TokenSampler(new SamplingOptions { Temperature = 100, TopK = 2 });
        var seen = new HashSet<int>();
        for (int i = 0; i < 200; i++)
            seen.Add(sampler.Next([3, 1, 2, 0]));
        Assert.Equal([0, 2], seen.Order());
    }

    [Fact]
    public void Next_BrokenLogits_AreRefused()
    {
        var sampler = new TokenSampler();
        Assert.Contains("NaN", Assert.Throws<DivergedModelException>(() => sampler.Next([1, float.NaN])).Message, StringComparison.Ordinal);
        Assert.Throws<DivergedModelException>(() => sampler.Next([float.NegativeInfinity, float.NegativeInfinity]));
        Assert.Equal(1, sampler.Next([float.NegativeInfinity, 0]));
    }

    [Fact]
    public void Create_ImpossibleOptions_Throws()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new TokenSampler(new SamplingOptions { Temperature = -1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TokenSampler(new SamplingOptions { Temperature = double.NaN }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TokenSampler(new SamplingOptions { TopK = -1 }));
    }
}
