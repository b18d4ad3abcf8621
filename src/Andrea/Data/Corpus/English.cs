namespace Andrea.Data.Corpus;

/// <summary>Just enough English grammar for the built-in corpus: articles, plurals and verb forms of the words it uses.</summary>
/// <remarks>A verb may be a phrase ("pick up"): its first word is inflected. A noun may be one too: its last word is.</remarks>
internal static class English
{
    private const string Vowels = "aeiou";

    private static readonly Dictionary<string, string> IrregularPlurals = Pairs(
        "mouse mice goose geese child children man men woman women foot feet tooth teeth sheep sheep deer deer fish fish " +
        "leaf leaves loaf loaves shelf shelves knife knives wolf wolves calf calves half halves scarf scarves thief thieves " +
        "potato potatoes tomato tomatoes echo echoes hero heroes index indexes ox oxen person people");

    private static readonly Dictionary<string, string> IrregularPasts = Pairs(
        "be was have had do did go went come came become became begin began break broke bring brought build built buy bought " +
        "catch caught choose chose cut cut dig dug draw drew drink drank drive drove eat ate fall fell feed fed feel felt fight fought " +
        "find found fly flew forget forgot get got give gave grow grew hang hung hear heard hide hid hold held keep kept know knew " +
        "lay laid lead led leave left lend lent let let lose lost make made mean meant meet met pay paid put put read read ride rode " +
        "ring rang rise rose run ran say said see saw sell sold send sent set set shake shook shine shone sing sang sit sat sleep slept " +
        "speak spoke spend spent spin spun split split stand stood steal stole sweep swept swim swam take took teach taught tear tore " +
        "tell told think thought throw threw understand understood wake woke wear wore weave wove win won write wrote");

    private static readonly HashSet<string> DoublingVerbs = new(
        ("stop drop plan skip trim wrap tap tug nod hug grab begin cut dig forget get hit let put run set shut sit spin split swim win " +
        "rub stir drag step ship log map pin scan reset chop snap knit").Split(' '), StringComparer.Ordinal);

    /// <summary>The word or phrase with "a" or "an" before it, whichever its first sound asks for.</summary>
    public static string WithArticle(string phrase) => (BeginsWithVowelSound(phrase) ? "an " : "a ") + phrase;

    public static string Capitalise(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];

    public static string Plural(string noun)
    {
        int lastWord = noun.LastIndexOf(' ') + 1;
        return noun[..lastWord] + PluralOfWord(noun[lastWord..]);
    }

    /// <summary>"1 apple", "2 apples", "no apples".</summary>
    public static string Count(int count, string noun) => count switch
    {
        0 => "no " + Plural(noun),
        1 => "1 " + noun,
        _ => Invariant($"{count} {Plural(noun)}"),
    };

    public static string Past(string verb) => OnFirstWord(verb, static word =>
        IrregularPasts.TryGetValue(word, out string? past) ? past
        : word.EndsWith('e') ? word + "d"
        : EndsInConsonantY(word) ? word[..^1] + "ied"
        : DoublingVerbs.Contains(word) ? word + word[^1] + "ed"
        : word + "ed");

    public static string ThirdPerson(string verb) => OnFirstWord(verb, static word => word switch
    {
        "be" => "is",
        "have" => "has",
        "do" => "does",
        "go" => "goes",
        _ => WithS(word),
    });

    public static string Gerund(string verb) => OnFirstWord(verb, static word =>
        word.EndsWith("ie", StringComparison.Ordinal) ? word[..^2] + "ying"
        : word.EndsWith('e') && !word.EndsWith("ee", StringComparison.Ordinal) && word != "be" ? word[..^1] + "ing"
        : DoublingVerbs.Contains(word) ? word + word[^1] + "ing"
        : word + "ing");

    public static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    /// <summary>"a", "a and b", "a, b and c".</summary>
    public static string Join(IReadOnlyList<string> items, string word = "and") => items.Count switch
    {
        0 => "",
        1 => items[0],
        _ => string.Join(", ", items.Take(items.Count - 1)) + $" {word} {items[^1]}",
    };

    /// <summary>A number from 0 to 99 in words.</summary>
    public static string Number(int value)
    {
        ReadOnlySpan<string> small =
        [
            "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen",
            "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
        ];
        ReadOnlySpan<string> tens = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
        if (value < 20)
            return small[value];
        return value % 10 == 0 ? tens[(value / 10) - 2] : tens[(value / 10) - 2] + "-" + small[value % 10];
    }

    private static bool BeginsWithVowelSound(string phrase)
    {
        if (phrase.StartsWith("hour", StringComparison.Ordinal) || phrase.StartsWith("honest", StringComparison.Ordinal))
            return true;
        if (phrase.StartsWith("use", StringComparison.Ordinal) || phrase.StartsWith("uni", StringComparison.Ordinal) ||
            phrase.StartsWith("one", StringComparison.Ordinal))
            return false;
        return Vowels.Contains(char.ToLowerInvariant(phrase[0]));
    }

    private static string PluralOfWord(string word) => IrregularPlurals.TryGetValue(word, out string? plural) ? plural : WithS(word);

    private static string WithS(string word)
    {
        if (EndsInConsonantY(word))
            return word[..^1] + "ies";
        bool hisses = word[^1] is 's' or 'x' or 'z' ||
            word.EndsWith("ch", StringComparison.Ordinal) || word.EndsWith("sh", StringComparison.Ordinal);
        return word + (hisses ? "es" : "s");
    }

    private static bool EndsInConsonantY(string word) => word.Length > 1 && word[^1] == 'y' && !Vowels.Contains(word[^2]);

    private static string OnFirstWord(string phrase, Func<string, string> inflect)
    {
        int space = phrase.IndexOf(' ');
        return space < 0 ? inflect(phrase) : inflect(phrase[..space]) + phrase[space..];
    }

    private static Dictionary<string, string> Pairs(string words)
    {
        string[] all = words.Split(' ');
        var pairs = new Dictionary<string, string>(StringComparer.Ordinal);
        for (int i = 0; i < all.Length; i += 2)
            pairs.Add(all[i], all[i + 1]);
        return pairs;
    }
}
