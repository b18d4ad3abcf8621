using static Andrea.Data.Corpus.English;

namespace Andrea.Data.Corpus;

/// <summary>Questions about numbers.</summary>
internal static partial class QuestionWriter
{
    private static void Arithmetic(Composer composer)
    {
        int limit = composer.Chance(60) ? 20 : 100;
        int a = composer.Between(0, limit), b = composer.Between(0, limit);
        switch (composer.Between(0, 3))
        {
            case 0:
                AskSum(composer, a, "+", "plus", b, a + b);
                break;
            case 1:
                AskSum(composer, Math.Max(a, b), "-", "minus", Math.Min(a, b), Math.Abs(a - b));
                break;
            case 2:
                int x = composer.Between(0, 12), y = composer.Between(0, 12);
                AskSum(composer, x, "*", "times", y, x * y);
                break;
            default:
                int divisor = composer.Between(1, 12), quotient = composer.Between(0, 12);
                AskSum(composer, divisor * quotient, "/", "divided by", divisor, quotient);
                break;
        }
    }

    private static void AskSum(Composer composer, int a, string sign, string word, int b, int result)
    {
        if (composer.Chance(50))
            Ask(composer, Invariant($"{a} {sign} {b} = ?"), Invariant($"{a} {sign} {b} = {result}"));
        else
            Ask(composer, Invariant($"what is {a} {word} {b}?"), Invariant($"{a} {word} {b} is {result}."));
    }

    private static void ArithmeticInWords(Composer composer)
    {
        int a = composer.Between(0, 49), b = composer.Between(0, 49);
        if (composer.Chance(50))
            Ask(composer, $"what is {Number(a)} plus {Number(b)}?", $"{Number(a)} plus {Number(b)} is {Number(a + b)}.");
        else
            Ask(composer, $"what is {Number(a + b)} minus {Number(b)}?", $"{Number(a + b)} minus {Number(b)} is {Number(a)}.");
    }

    private static void WordProblem(Composer composer)
    {
        string name = composer.Bind("hero", composer.Chance(50) ? "her_name" : "his_name");
        string other = composer.Bind("friend", composer.Chance(50) ? "her_name" : "his_name");
        string thing = composer.Expand(composer.Chance(50) ? "food" : "object");
        int have = composer.Between(2, 30), change = composer.Between(1, have), groups = composer.Between(2, 6);
        switch (composer.Between(0, 3))
        {
            case 0:
                Ask(composer, $"{name} has {Count(have, thing)} and gives {Counted(change)} to {other}. how many are left?",
                    Invariant($"{have} - {change} = {have - change}, so {Verb(have - change)} left."));
                break;
            case 1:
                Ask(composer, $"{name} has {Count(have, thing)} and finds {Counted(change)} more. how many {Plural(thing)} does {name} have now?",
                    Invariant($"{have} + {change} = {have + change}, so {name} has {Count(have + change, thing)}."));
                break;
            case 2:
                Ask(composer, $"{name} has {Count(have, thing)} and {other} has {Counted(change)}. how many do they have together?",
                    Invariant($"{have} + {change} = {have + change}, so they have {Count(have + change, thing)}."));
                break;
            default:
                int each = composer.Between(2, 12);
                Ask(composer, Invariant($"{name} puts {Count(each, thing)} into each of {groups} boxes. how many {Plural(thing)} is that?"),
                    Invariant($"{groups} * {each} = {groups * each}, so it is {Count(groups * each, thing)}."));
                break;
        }
    }

    private static string Counted(int count) => Invariant($"{count}");

    private static string Verb(int count) => count switch
    {
        0 => "none are",
        1 => "1 is",
        _ => Invariant($"{count} are"),
    };

    private static void Larger(Composer composer)
    {
        int a = composer.Between(0, 999), b = composer.Between(0, 999);
        if (a == b)
            b++;
        bool larger = composer.Chance(50);
        int answer = larger ? Math.Max(a, b) : Math.Min(a, b);
        string word = larger ? "larger" : "smaller";
        Ask(composer, Invariant($"which is {word}, {a} or {b}?"), Invariant($"{answer} is {word} than {a + b - answer}."));
    }

    private static void Order(Composer composer)
    {
        var numbers = new List<int>();
        for (int count = composer.Between(3, 5); count > 0; count--)
            numbers.Add(composer.Between(0, 99));
        bool down = composer.Chance(30);
        IEnumerable<int> ordered = down ? numbers.OrderDescending() : numbers.Order();
        Ask(composer, $"put these numbers in order, {(down ? "largest" : "smallest")} first: {List(numbers)}", $"{List(ordered)}");
    }

    private static void NextNumber(Composer composer)
    {
        int start = composer.Between(0, 40), step = composer.Between(1, 12);
        int[] numbers = [.. Enumerable.Range(0, 4).Select(i => start + (i * step))];
        Ask(composer, $"which number comes next: {List(numbers)}",
            Invariant($"{start + (4 * step)}, because each is {step} more than the one before."));
    }

    private static string List(IEnumerable<int> numbers) => string.Join(", ", numbers.Select(number => Counted(number)));
}
