using Andrea.Data;
using Andrea.Monitoring;
using Andrea.Numerics;

namespace Andrea.Tests.Monitoring;

public class CoherenceScoreTests
{
    [Fact]
    public void Score_OfASentence_IsWhatIsCountedByHand()
    {
        // 12 words and marks: the cat sat . the cat sat . the dog ran .
        CoherenceScore score = CoherenceScore.Of("The cat sat. The cat sat. The dog ran.");
        // 11 pairs: the-cat cat-sat sat-. .-the | the-cat cat-sat sat-. .-the | the-dog dog-ran ran-.: 7 different. 10 triples: 7 different.
        Assert.Equal(35 * 7 / 11.0, score.Bigrams, 1e-12);
        Assert.Equal(35 * 7 / 10.0, score.Trigrams, 1e-12);
        // 4 of 9 words are common: the, the, the, ran; more than a quarter.
        Assert.Equal(20, score.Words);
        // t h e space c a s . d o g r n: 13 of 20.
        Assert.Equal(10 * 13 / 20.0, score.Characters, 1e-12);
        Assert.Equal(1 - (7 / 11.0 + 7 / 10.0) / 2, score.Repetition, 1e-12);
        Assert.Equal(score.Bigrams + score.Trigrams + score.Words + score.Characters, score.Total);
    }

    [Theory]
    [InlineData("region ")]
    [InlineData("'")]
    [InlineData("games, ")]
    [InlineData("Budy ")]
    [InlineData("the ")]
    [InlineData("a")]
    [InlineData(" ")]
    [InlineData("and he said that ")]
    public void Score_OfALoop_IsLow(string loop)
    {
        string text = string.Concat(Enumerable.Repeat(loop, 420 / loop.Length));
        Assert.True(CoherenceScore.Of(text).Total < 30, $"{CoherenceScore.Of(text)}");
        Assert.True(CoherenceScore.Of(text).Repetition > 0.9, $"{CoherenceScore.Of(text)}");
    }

    [Fact]
    public void Score_OfEveryKindOfBuiltInText_IsHigh()
    {
        foreach (CorpusKind kind in BuiltInCorpus.Kinds)
            for (ulong seed = 1; seed <= 5; seed++)
            {
                CoherenceScore score = CoherenceScore.Of(BuiltInCorpus.Generate(kind, seed, 2000)[..420]);
                Assert.True(score.Total > 70, $"{kind} {seed}: {score}");
            }
    }

    [Theory]
    [InlineData("a b c d e f g", 0)] // fewer than 8 words say nothing
    [InlineData("a b c d e f g h", 35)]
    [InlineData("abcdefghijklmnopqrstuvwx", 0)] // 24 letters are a word,
    [InlineData("abcdefghijklmnopqrstuvwxy", 35)] // 25 are so many words of one
    public void Score_FewWordsOrALongOne_IsAsDocumented(string text, double expected)
    {
        CoherenceScore score = CoherenceScore.Of(text);
        Assert.Equal((expected, expected), (score.Bigrams, score.Trigrams));
    }

    [Fact]
    public void Score_OfNothing_IsZero() => Assert.Equal(default, CoherenceScore.Of("") with { Words = 0 });

    [Fact]
    public void Score_OfRandomLetters_LacksTheWords()
    {
        var random = new Philox(1);
        string text = string.Concat(Enumerable.Range(0, 420).Select(_ => random.NextInt32(6) == 0 ? ' ' : (char)('a' + random.NextInt32(26))));
        CoherenceScore score = CoherenceScore.Of(text);
        Assert.True(score.Bigrams > 30 && score.Words < 8, $"{score}");
    }
}
