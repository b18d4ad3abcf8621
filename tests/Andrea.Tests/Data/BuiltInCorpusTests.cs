using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Andrea.Data;
using Andrea.Data.Corpus;
using Andrea.Numerics;

namespace Andrea.Tests.Data;

public sealed partial class BuiltInCorpusTests
{
    private const int Length = 600_000;

    private static readonly Lazy<string> Mixed = new(() => BuiltInCorpus.Generate(1, Length));

    public static TheoryData<CorpusKind> Kinds => new(BuiltInCorpus.Kinds);

    [Fact]
    public void Generate_FixedSeed_HasTheSameBytesOnEveryMachine()
    {
        byte[] hash = SHA256.HashData(Encoding.ASCII.GetBytes(Mixed.Value));
        Assert.Equal("fe03b2a30d1410a5", Convert.ToHexStringLower(hash)[..16]);
    }

    [Fact]
    public void Generate_SameSeed_GivesTheSameText() => Assert.Equal(Mixed.Value, BuiltInCorpus.Generate(1, Length));

    [Fact]
    public void Generate_OtherSeed_GivesOtherText()
    {
        string other = BuiltInCorpus.Generate(2, 10_000);
        Assert.NotEqual(Mixed.Value[..10_000], other);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4097)]
    public void Generate_Shorter_IsTheBeginningOfLonger(int length) => Assert.Equal(Mixed.Value[..length], BuiltInCorpus.Generate(1, length));

    [Fact]
    public void Generate_NegativeLength_Throws()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => BuiltInCorpus.Generate(1, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => BuiltInCorpus.Generate(CorpusKind.Notes, 1, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => BuiltInCorpus.Generate((CorpusKind)7, 1, 10));
    }

    [Fact]
    public void Alphabet_IsSmallPrintableAscii_AndNoCharacterIsRare()
    {
        Dictionary<char, int> counts = Mixed.Value.CountBy(character => character).ToDictionary();
        Assert.All(counts.Keys, character => Assert.True(character is '\n' or (>= ' ' and <= '~'), $"character {(int)character}"));
        Assert.InRange(counts.Count, 70, 90);
        Assert.All(counts, pair => Assert.True(pair.Value >= 30, $"'{pair.Key}' occurs {pair.Value} times"));
    }

    [Fact]
    public void Mixed_HasHalfStoriesAndAQuarterOfEachOther()
    {
        string[] documents = Mixed.Value.Split("\n\n");
        long questions = documents.Where(document => document.StartsWith("> ", StringComparison.Ordinal)).Sum(document => document.Length + 2L);
        Assert.InRange(questions / (double)Length, 0.24, 0.26);
        long storyLines = Mixed.Value.Split('\n').Where(line => StoryLines.Value.Contains(line)).Sum(line => line.Length + 1L);
        Assert.InRange(storyLines / (double)Length, 0.48, 0.52);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Kind_DocumentsOfMixedText_AreThoseOfTheKindAlone(CorpusKind kind)
    {
        string alone = BuiltInCorpus.Generate(kind, 1, 4000);
        string firstDocument = alone[..alone.IndexOf("\n\n", StringComparison.Ordinal)];
        Assert.Contains(firstDocument, Mixed.Value, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(CorpusKind.Stories, 0.95)]
    [InlineData(CorpusKind.Notes, 0.6)]
    [InlineData(CorpusKind.Questions, 0.6)]
    public void Lines_AreMostlyDistinct(CorpusKind kind, double expectedShare)
    {
        string[] lines = Lines(BuiltInCorpus.Generate(kind, 3, 300_000));
        Assert.True(lines.Distinct().Count() >= expectedShare * lines.Length, $"{lines.Distinct().Count()} of {lines.Length} lines are distinct");
    }

    [Theory]
    [InlineData(CorpusKind.Stories, 0.7)]
    [InlineData(CorpusKind.Notes, 0.6)]
    [InlineData(CorpusKind.Questions, 0.5)]
    public void HeldOutSentences_AreMostlyNew(CorpusKind kind, double expectedShare)
    {
        var seen = Sentences(BuiltInCorpus.Generate(kind, 1, Length)).ToHashSet();
        string[] heldOut = Sentences(BuiltInCorpus.Generate(kind, 2, 60_000));
        int fresh = heldOut.Count(sentence => !seen.Contains(sentence));
        Assert.True(fresh >= expectedShare * heldOut.Length, $"{fresh} of {heldOut.Length} sentences are new");
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Text_HasNoUnfilledSlotNoDoubleSpaceAndNoTrailingSpace(CorpusKind kind)
    {
        string text = BuiltInCorpus.Generate(kind, 4, Length);
        Assert.DoesNotContain('{', text);
        Assert.DoesNotContain('}', text);
        // Settings put two spaces before a remark, as is the custom.
        Assert.DoesNotContain("  ", text.Replace("  # ", " # ", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotContain(" \n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("\n\n\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("..", text, StringComparison.Ordinal);
        Assert.DoesNotContain(" ,", text, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Articles_FitTheSoundThatFollows(CorpusKind kind)
    {
        string text = BuiltInCorpus.Generate(kind, 5, Length);
        int found = 0;
        foreach (Match match in Article().Matches(text))
        {
            found++;
            string word = match.Groups[2].Value;
            bool an = match.Groups[1].Value.Length == 2;
            bool vowel = "aeiou".Contains(word[0], StringComparison.Ordinal) ? !LikeYou().IsMatch(word) : Silent().IsMatch(word);
            Assert.True(an == vowel, $"'{match.Value}' has the wrong article");
        }
        Assert.True(found > 500, $"only {found} articles were found");
    }

    [Fact]
    public void Story_PronounsFitThePeopleInIt()
    {
        int women = 0, men = 0;
        for (ulong stream = 0; stream < 2000; stream++)
        {
            Composer composer = Story(stream);
            string story = composer.Text.ToString();
            if (composer["he"] != composer["fhe"])
                continue;
            bool female = composer["he"] == "she";
            _ = female ? women++ : men++;
            Assert.DoesNotMatch(female ? @"\b([Hh]e|[Hh]im|[Hh]is|himself)\b" : @"\b([Ss]he|[Hh]ers?|herself)\b", story);
        }
        Assert.True(women > 300 && men > 300, $"{women} and {men}");
    }

    [Fact]
    public void Story_FriendIsIntroducedOnce()
    {
        for (ulong stream = 0; stream < 2000; stream++)
        {
            Composer composer = Story(stream);
            string story = composer.Text.ToString(), friend = composer["friend"];
            Assert.NotEqual(composer["hero"], friend);
            Assert.True(Regex.Count(story, $@"\b{friend}\b, {Regex.Escape(composer["fwho"])}") <= 1, story);
        }
    }

    [Fact]
    public void Arithmetic_IsRight()
    {
        string text = BuiltInCorpus.Generate(CorpusKind.Questions, 8, Length);
        MatchCollection equations = Equation().Matches(text);
        Assert.True(equations.Count > 300, $"only {equations.Count} equations were found");
        foreach (Match match in equations)
        {
            int a = Number(match, 1), b = Number(match, 3), result = Number(match, 4);
            int expected = match.Groups[2].Value switch
            {
                "+" or "plus" => a + b,
                "-" or "minus" => a - b,
                "*" or "times" => a * b,
                _ => a / b,
            };
            Assert.True(expected == result, match.Value);
        }
    }

    [Fact]
    public void Questions_EachLineIsAQuestionOrItsAnswer()
    {
        foreach (string document in BuiltInCorpus.Generate(CorpusKind.Questions, 9, 100_000).Split("\n\n").SkipLast(1))
        {
            string[] lines = document.Split('\n');
            Assert.Equal(0, lines.Length % 2);
            for (int i = 0; i < lines.Length; i++)
                Assert.StartsWith(i % 2 == 0 ? "> " : "< ", lines[i], StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("mouse", "mice")]
    [InlineData("loaf", "loaves")]
    [InlineData("cherry", "cherries")]
    [InlineData("box", "boxes")]
    [InlineData("bell ringer", "bell ringers")]
    [InlineData("key", "keys")]
    public void Plural_OfNoun_IsEnglish(string noun, string plural) => Assert.Equal(plural, English.Plural(noun));

    [Theory]
    [InlineData("carry", "carries", "carried", "carrying")]
    [InlineData("stop", "stops", "stopped", "stopping")]
    [InlineData("write", "writes", "wrote", "writing")]
    [InlineData("pick up", "picks up", "picked up", "picking up")]
    [InlineData("go", "goes", "went", "going")]
    [InlineData("tie", "ties", "tied", "tying")]
    [InlineData("see", "sees", "saw", "seeing")]
    public void Verb_Forms_AreEnglish(string verb, string third, string past, string gerund)
    {
        Assert.Equal(third, English.ThirdPerson(verb));
        Assert.Equal(past, English.Past(verb));
        Assert.Equal(gerund, English.Gerund(verb));
    }

    [Theory]
    [InlineData(0, "zero")]
    [InlineData(13, "thirteen")]
    [InlineData(40, "forty")]
    [InlineData(99, "ninety-nine")]
    public void Number_InWords_IsEnglish(int value, string words) => Assert.Equal(words, English.Number(value));

    [Fact]
    public void Grammar_EveryAlternativeOfEveryRule_CanBeWritten()
    {
        foreach (Grammar grammar in (Grammar[])[StoryWriter.Grammar, NoteWriter.Grammar, QuestionWriter.Grammar])
        {
            var known = grammar.Names.ToHashSet();
            known.UnionWith(["hero", "he", "him", "his", "himself", "who", "home", "open", "friend", "fhe", "fhim", "fhis", "fwho"]);
            known.UnionWith(["obj", "thing", "goal", "project", "tool"]);
            IEnumerable<TemplatePart> parts = grammar.Names.SelectMany(grammar.AlternativesOf).SelectMany(template => template.Parts);
            TemplatePart[] slots = [.. parts.Where(part => part.Literal is null)];
            known.UnionWith(slots.Select(slot => slot.Variable).OfType<string>());
            Assert.All(slots, slot => Assert.Contains(slot.Name, known));
        }
        IEnumerable<string> sentences = StoryWriter.Plots.SelectMany(plot => plot).SelectMany(paragraph => paragraph);
        Assert.All(sentences.Select(name => name.TrimEnd('?')), name => Assert.True(name == "open" || StoryWriter.Grammar.Contains(name), name));
    }

    private static readonly Lazy<HashSet<string>> StoryLines = new(() => [.. Lines(BuiltInCorpus.Generate(CorpusKind.Stories, 1, Length))]);

    private static Composer Story(ulong stream)
    {
        var composer = new Composer(StoryWriter.Grammar, new Philox(7, stream));
        StoryWriter.Write(composer);
        return composer;
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static string[] Sentences(string text) => [.. SentenceEnd().Split(text).Where(sentence => sentence.Length > 12)];

    private static int Number(Match match, int group) => int.Parse(match.Groups[group].ValueSpan, System.Globalization.CultureInfo.InvariantCulture);

    [GeneratedRegex(@"(?<=[.!?]""?)[ \n]+|\n")]
    private static partial Regex SentenceEnd();

    [GeneratedRegex(@"(?<![`/\w.=-])([Aa]n?) ([a-z]+)")]
    private static partial Regex Article();

    [GeneratedRegex("^(use|uni|one)")]
    private static partial Regex LikeYou();

    [GeneratedRegex("^(hour|honest)")]
    private static partial Regex Silent();

    [GeneratedRegex(@"(?<=< |^)(\d+) (\+|-|\*|/|plus|minus|times|divided by) (\d+) (?:=|is) (\d+)", RegexOptions.Multiline)]
    private static partial Regex Equation();
}
