using static Andrea.Data.Corpus.English;

namespace Andrea.Data.Corpus;

/// <summary>Questions about words, and about what was said a moment ago.</summary>
internal static partial class QuestionWriter
{
    private static string Noun(Composer composer) => composer.Expand(composer.Pick((string[])["object", "food", "animal", "place", "trade"]));

    private static string OneWord(Composer composer)
    {
        string word = Noun(composer);
        return word[(word.LastIndexOf(' ') + 1)..];
    }

    private static void LettersOf(Composer composer)
    {
        string word = OneWord(composer);
        string letters = string.Join(", ", word.ToCharArray());
        Ask(composer, $"how many letters does the word {word} have?", Invariant($"the word {word} has {word.Length} letters: {letters}."));
    }

    private static void Spell(Composer composer)
    {
        string word = OneWord(composer);
        if (composer.Chance(60))
            Ask(composer, $"spell {word}", string.Join('-', word.ToCharArray()));
        else
            Ask(composer, $"spell {word} backwards", string.Join('-', word.Reverse()));
    }

    private static void PluralOf(Composer composer)
    {
        string noun = Noun(composer);
        int count = composer.Between(2, 12);
        if (composer.Chance(50))
            Ask(composer, $"what is the plural of {noun}?", $"one {noun}, {Number(count)} {Plural(noun)}.");
        else
            Ask(composer, $"put the right article before {noun}", $"{WithArticle(noun)}.");
    }

    private static void PastOf(Composer composer)
    {
        string verb = composer.Pick(Facts.Verbs);
        if (composer.Chance(50))
            Ask(composer, $"what is the past of {verb}?", $"today I {verb}, yesterday I {Past(verb)}.");
        else
            Ask(composer, $"what are the forms of {verb}?", $"{verb}, {ThirdPerson(verb)}, {Gerund(verb)}, {Past(verb)}.");
    }

    private static void Sentence(Composer composer)
    {
        string animal = composer.Expand("animal"), verb = composer.Pick((string[])["sleep", "hide", "sit", "sing", "wait", "stand", "play", "run"]);
        string place = composer.Expand("place"), look = composer.Expand("animal_look");
        string question = composer.Pick((string[])["who", "where", "what kind"]);
        string told = $"{Capitalise(WithArticle(look))} {animal} {ThirdPerson(verb)} near the {place}.";
        (string asked, string answer) = question switch
        {
            "who" => ($"who {ThirdPerson(verb)} near the {place}?", $"the {animal} {ThirdPerson(verb)} there."),
            "where" => ($"where does the {animal} {verb}?", $"it {ThirdPerson(verb)} near the {place}."),
            _ => ($"what kind of {animal} is it?", $"it is {WithArticle(look)} {animal}."),
        };
        Ask(composer, $"{told} {asked}", answer);
    }

    private static void WhereIs(Composer composer)
    {
        string name = composer.Bind("hero", composer.Chance(50) ? "her_name" : "his_name");
        string first = composer.Bind("first", "object"), second = composer.Bind("second", "object");
        string here = composer.Bind("here", "room"), there = composer.Bind("there", "room");
        string told = $"{name} put the {first} in the {here} and the {second} in the {there}.";
        bool moved = composer.Chance(40);
        if (moved)
            told += $" Then {name} moved the {first} to the {there}.";
        bool askFirst = composer.Chance(50);
        string thing = askFirst ? first : second, place = askFirst && !moved ? here : there;
        Ask(composer, $"{told} where is the {thing}?", $"the {thing} is in the {place}.");
    }

    private static void WhoHas(Composer composer)
    {
        string one = composer.Bind("hero", "her_name"), two = composer.Bind("friend", "his_name");
        string first = composer.Bind("first", "object"), second = composer.Bind("second", "object");
        string told = $"{one} has {WithArticle(first)} and {two} has {WithArticle(second)}.";
        switch (composer.Between(0, 2))
        {
            case 0:
                Ask(composer, $"{told} who has the {second}?", $"{two} has the {second}.");
                break;
            case 1:
                Ask(composer, $"{told} what does {one} have?", $"{one} has {WithArticle(first)}.");
                break;
            default:
                Ask(composer, $"{told} They trade. who has the {first} now?", $"now {two} has the {first}.");
                break;
        }
    }
}
