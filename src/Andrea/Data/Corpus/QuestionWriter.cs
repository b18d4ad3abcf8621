using static Andrea.Data.Corpus.English;

namespace Andrea.Data.Corpus;

/// <summary>Writes questions with their right answers: dictionary entries, arithmetic, comparisons, dates, words, small riddles.</summary>
internal static partial class QuestionWriter
{
    private static readonly Action<Composer>[] Kinds =
    [
        Define, Define, WhichThing, IsIt, Arithmetic, Arithmetic, ArithmeticInWords, WordProblem, WordProblem, WordProblem, Larger, Order,
        Scale, Opposite, Day, Month, Clock, LettersOf, Spell, PluralOf, PastOf, Sentence, Sentence, WhereIs, WhereIs, WhereIs, WhoHas,
        WhoHas, Everyday, NextNumber,
    ];

    public static Grammar Grammar { get; } = new(WordRules.Text);

    public static void Write(Composer composer)
    {
        for (int questions = composer.Between(2, 6); questions > 0; questions--)
            composer.Pick(Kinds)(composer);
    }

    private static void Ask(Composer composer, string question, string answer) => composer.Say($"> {question}\n< {answer}\n");

    private static void Define(Composer composer)
    {
        Thing thing = composer.Pick(Facts.Things);
        string question = composer.Between(0, 3) switch
        {
            0 => $"what is {WithArticle(thing.Word)}?",
            1 => $"what does {thing.Word} mean?",
            _ => $"define {thing.Word}",
        };
        string which = thing.Kind == "person" ? "who" : "that";
        Ask(composer, question, $"{WithArticle(thing.Word)} is {WithArticle(thing.Kind)} {which} {thing.Trait}.");
    }

    private static void WhichThing(Composer composer)
    {
        Thing thing = composer.Pick(Facts.Things);
        string question = thing.Kind == "person" ? $"who {thing.Trait}?" : $"which {thing.Kind} {thing.Trait}?";
        Ask(composer, question, composer.Chance(50) ? $"{WithArticle(thing.Word)}." : $"{WithArticle(thing.Word)} {thing.Trait}.");
    }

    private static void IsIt(Composer composer)
    {
        Thing thing = composer.Pick(Facts.Things);
        string kind = composer.Chance(50) ? thing.Kind : composer.Pick(Facts.Kinds);
        bool yes = kind == thing.Kind || (kind == "animal" && thing.Kind is "bird" or "insect");
        string word = WithArticle(thing.Word), truth = WithArticle(yes ? kind : thing.Kind);
        Ask(composer, $"is {word} {WithArticle(kind)}?", $"{(yes ? "yes" : "no")}, {word} is {truth}.");
    }

    private static void Opposite(Composer composer)
    {
        (string word, string opposite) = composer.Pick(Facts.Opposites);
        if (composer.Chance(50))
            (word, opposite) = (opposite, word);
        // Some words, such as "light", have two opposites; the one of the drawn pair is right.
        Ask(composer, $"what is the opposite of {word}?", $"the opposite of {word} is {opposite}.");
    }

    private static void Scale(Composer composer)
    {
        Scale scale = composer.Pick(Facts.Scales);
        List<string> things = composer.PickSeveral(scale.Things, composer.Between(2, 4));
        string[] asked = [.. things.Select(WithArticle)];
        string[] ordered = [.. things.OrderBy(thing => Array.IndexOf(scale.Things, thing)).Select(WithArticle)];
        string truth = $"{ordered[1]} is {scale.Comparative} than {ordered[0]}.";
        if (asked.Length > 2)
            Ask(composer, $"which is the {scale.Superlative}: {Join(asked, "or")}?", $"{ordered[^1]} is the {scale.Superlative}.");
        else if (composer.Chance(50))
            Ask(composer, $"which is {scale.Comparative}, {asked[0]} or {asked[1]}?", truth);
        else
            Ask(composer, $"is {asked[0]} {scale.Comparative} than {asked[1]}?", $"{(asked[0] == ordered[1] ? "yes" : "no")}, {truth}");
    }

    private static void Everyday(Composer composer)
    {
        (string question, string answer) = composer.Pick(Facts.Everyday);
        Ask(composer, question, answer);
    }

    private static void Day(Composer composer)
    {
        int day = composer.Between(0, 6), days = composer.Between(1, 6);
        string name = Facts.Weekdays[day], after = Facts.Weekdays[(day + days) % 7];
        if (days == 1)
            Ask(composer, $"which day comes after {name}?", $"{after} comes after {name}.");
        else
            Ask(composer, Invariant($"today is {name}. which day is it in {days} days?"), Invariant($"in {days} days it is {after}."));
    }

    private static void Month(Composer composer)
    {
        int month = composer.Between(0, 11);
        (string name, int days) = Facts.Months[month];
        if (composer.Chance(50))
            Ask(composer, $"which month comes after {name}?", $"{Facts.Months[(month + 1) % 12].Name} comes after {name}.");
        else
            Ask(composer, $"how many days does {name} have?", Invariant($"{name} has {days} days{(month == 1 ? ", and 29 in a leap year" : "")}."));
    }

    private static void Clock(Composer composer)
    {
        int hour = composer.Between(1, 12), minutes = composer.Between(0, 11) * 5, passed = composer.Between(1, 23) * 5;
        int end = (hour * 60) + minutes + passed;
        Ask(composer, Invariant($"it is {hour}:{minutes:00}. what time is it {passed} minutes later?"),
            Invariant($"it is {(((end / 60) + 11) % 12) + 1}:{end % 60:00}."));
    }
}
