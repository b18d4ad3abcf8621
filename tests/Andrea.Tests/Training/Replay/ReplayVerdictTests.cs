using Andrea.Clipping;
using Andrea.Data;
using Andrea.Training.Faults;
using Andrea.Training.Replay;

namespace Andrea.Tests.Training.Replay;

/// <summary>What is blamed for a step that stands out.</summary>
public sealed class ReplayVerdictTests : IDisposable
{
    private readonly RecordedRun _run = new(SmallRun.Data);

    public void Dispose() => _run.Dispose();

    [Theory]
    [InlineData("loss")]
    [InlineData("norm")]
    [InlineData("coefficient")]
    public void OtherBits_OfAnyNumber_AreFound(string name)
    {
        _run.Train(SmallRun.Options with { Clip = new GradClipperOptions { MaxNorm = 0.1 } });
        _run.Tamper(7, name);
        ReplayResult result = _run.Replay(9);
        Assert.Equal((ReplayVerdict.Hardware, 7L), (result.Verdict, result.DifferentStep));
        Assert.Contains($"({name} ", result.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void ChangeOfSource_IsJudgedAmongItsOwnSteps()
    {
        // One source in 20 steps, and harder than the other.
        using RecordedRun run = new(TwoSources());
        run.Train(SmallRun.Options with { Steps = 400 });
        List<long> rare = run.StepsOf("rare");
        Assert.InRange(rare.Count, 12, 100);
        ReplayResult late = run.Replay(rare[^1]), early = run.Replay(rare[2]);
        Assert.True(late.Verdict == ReplayVerdict.Usual, late.Sentence);
        Assert.Contains("neither loss nor norm stands out", late.Sentence, StringComparison.Ordinal);
        Assert.Equal((ReplayVerdict.Usual, 2), (early.Verdict, early.History));
        Assert.Contains("only 2 steps of its source rare are recorded, too few", early.Sentence, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(12)]
    public void NormsThatAreNaN_WhateverTheBatch_AreFoundAsParameters(long step)
    {
        _run.Train(SmallRun.Options with { LearningRate = 1e30, WarmupSteps = 0, Clip = new GradClipperOptions { MaxNorm = double.PositiveInfinity } });
        ReplayResult result = _run.Replay(step);
        Assert.False(double.IsFinite(result.Recomputed.Norm));
        Assert.True(result.Verdict == ReplayVerdict.Parameters, result.Sentence);
        Assert.DoesNotContain("NaN instead of NaN", _run.Replay(step, onReference: true).Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void NormThatEndedTheRun_IsMadeAgain()
    {
        Assert.Throws<NonFiniteGradientException>(() => _run.Train(
            SmallRun.Options with { CheckpointEvery = 5, Clip = new GradClipperOptions { NonFinite = NonFinitePolicy.Throw } },
            new Fault(FaultKind.ParameterScale, 8, 8, double.NaN)));
        // The parameters were spoiled by what no replay knows of, so the bits are other ones; but it gets that far.
        Assert.Equal(8, _run.Replay(8).DifferentStep);
    }

    [Fact]
    public void NormThatEndedTheRun_OfItself_EndsNoReplay()
    {
        // The first step makes the parameters too large for the second, also when it is made again.
        Assert.Throws<NonFiniteGradientException>(() => _run.Train(SmallRun.Options with
        {
            LearningRate = 1e30, WarmupSteps = 0, CheckpointEvery = 1, Clip = new GradClipperOptions { MaxNorm = double.PositiveInfinity, NonFinite = NonFinitePolicy.Throw },
        }));
        ReplayResult result = _run.Replay(2);
        Assert.Equal((ReplayVerdict.Parameters, null), (result.Verdict, result.DifferentStep));
        Assert.False(double.IsFinite(result.Recomputed.Norm));
    }

    [Fact]
    public void Reference_TakesAllMicroBatches()
    {
        _run.Train(SmallRun.Options with { MicroBatches = 3 });
        ReplayResult result = _run.Replay(10, onReference: true);
        Assert.Equal(result.Recomputed.Loss, result.Reference!.Value.Loss, 1e-5);
        Assert.Equal(result.Recomputed.Norm, result.Reference.Value.Norm, 1e-4);
        Assert.NotEqual(result.Recomputed, new StepBits(result.Reference.Value.Loss, result.Reference.Value.Norm, result.Recomputed.Coefficient));
    }

    [Theory]
    [InlineData(20, 2, 3.0, 1.0, 1.1, 1.0, "Data")]
    [InlineData(20, 2, 3.0, 1.0, 2.5, 1.0, "Parameters")]
    [InlineData(1, 60, 1.0, 50, 1.0, 1.5, "Data")]
    [InlineData(1, 60, 1.0, 50, 1.0, 30, "Parameters")]
    [InlineData(20, 2, 9.0, 1.0, 4.0, 1.0, "Data")]
    [InlineData(1, 60, 1.0, 50, 1.0, 10, "Parameters")]
    [InlineData(1, 60, 1.0, 50, 1.0, 6, "Data")]
    [InlineData(9, 60, 3.0, 50, 1.1, 30, "Data")]
    [InlineData(9, double.PositiveInfinity, 3.0, double.NaN, 1.1, double.NaN, "Parameters")]
    [InlineData(9, double.PositiveInfinity, 3.0, double.NaN, 2.9, 1.0, "Data")]
    [InlineData(1, 1, 1.0, 1.0, 9.0, 9.0, "Usual")]
    public void Judgement_IsByTheKindOfSpike(double lossScore, double normScore, double loss, double norm, double otherLoss, double otherNorm, string verdict)
    {
        ReplayResult result = Of(loss, norm, null) with { LossScore = lossScore, NormScore = normScore, OtherLoss = otherLoss, OtherNorm = otherNorm };
        Assert.Equal(verdict, ReplayJudgement.Judge(result, usualLoss: 1, usualNorm: 1).Verdict.ToString());
    }

    [Theory]
    [InlineData(double.NaN, double.NaN, double.NaN, double.NaN, null)]
    [InlineData(1.0, 1.0, double.NaN, double.PositiveInfinity, null)]
    [InlineData(1.0, 1.0, 1.0005, 1.005, null)]
    [InlineData(1.0, double.NaN, 1.0, 7.0, "its norm is 7 instead of NaN:")]
    [InlineData(1.0, double.NaN, 1.1, double.NaN, "its loss is 1.1 instead of 1:")]
    [InlineData(1.0, 2.0, 1.1, 2.2, "its loss is 1.1 instead of 1 and its norm is 2.2 instead of 2:")]
    public void Numerics_OnlyWhereTheReferenceIsFinite(double loss, double norm, double referenceLoss, double referenceNorm, string? words)
    {
        ReplayResult result = ReplayJudgement.Judge(Of(loss, norm, (referenceLoss, referenceNorm)), usualLoss: 1, usualNorm: 1);
        Assert.Equal(words is not null, result.Verdict == ReplayVerdict.Numerics);
        Assert.Contains(words ?? "has the recorded bits", result.Sentence, StringComparison.Ordinal);
    }

    private static ReplayResult Of(double loss, double norm, (double, double)? reference) => new()
    {
        Step = 90,
        From = 0,
        Verdict = ReplayVerdict.Usual,
        Sentence = "",
        History = 50,
        Recorded = new StepBits(loss, norm, 1),
        Recomputed = new StepBits(loss, norm, 1),
        Reference = reference,
    };

    private static TokenDataset TwoSources()
    {
        string[] words = ["fox ", "jumps ", "over ", "lazy ", "dogs ", "and ", "zebras ", "quickly "];
        var random = new Andrea.Numerics.Philox(3);
        string rare = string.Concat(Enumerable.Range(0, 200).Select(_ => words[random.NextInt32(words.Length)]));
        NamedText[] sources =
        [
            new("usual", TextSource.FromText(string.Concat(Enumerable.Repeat("abc", 6000)))),
            new("rare", TextSource.FromText(rare)),
        ];
        return TokenDataset.Create(sources, Tokenizer.Create("char", TextSource.Join(sources.Select(source => source.Text))));
    }
}
