using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;

namespace Andrea.Cli.Commands;

/// <summary>Makes options that check their value and say in one sentence what would be right.</summary>
internal static class CliOption
{
    /// <summary>A whole number; null when it is not given.</summary>
    public static Option<long?> Whole(string name, string help, long smallest, long largest = long.MaxValue) =>
        Integer(name, help, smallest, largest);

    /// <summary>A whole number that fits an int; null when it is not given.</summary>
    public static Option<int?> Count(string name, string help, int smallest, int largest = int.MaxValue) =>
        Integer(name, help, smallest, largest);

    /// <summary>A seed: any 64-bit number; null when it is not given.</summary>
    public static Option<ulong?> Seed(string help) => Integer("--seed", help, ulong.MinValue, ulong.MaxValue);

    /// <summary>A finite number; null when it is not given.</summary>
    /// <param name="name">The option.</param>
    /// <param name="help">Its line in the help.</param>
    /// <param name="expected">What is expected, to end the sentence "expected ...".</param>
    /// <param name="isRight">Whether a number is in range.</param>
    /// <param name="allowInfinity">Whether inf is a value, too.</param>
    public static Option<double?> Number(
        string name, string help, string expected, Func<double, bool> isRight, bool allowInfinity = false) => new(name)
    {
        Description = help,
        HelpName = "X",
        Arity = ArgumentArity.ExactlyOne,
        CustomParser = result =>
        {
            string text = TextOf(result);
            bool isInfinity = allowInfinity && text.Equals("inf", StringComparison.OrdinalIgnoreCase);
            if (isInfinity)
                return double.PositiveInfinity;
            if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsFinite(value) && isRight(value))
                return value;
            result.AddError($"'{text}' is not a value of {name}; expected {expected}");
            return null;
        },
    };

    /// <summary>One of a few words, whatever the case; null when it is not given.</summary>
    public static Option<string?> Choice(string name, string help, params string[] choices) => new(name)
    {
        Description = help,
        HelpName = string.Join('|', choices),
        Arity = ArgumentArity.ExactlyOne,
        CustomParser = result =>
        {
            string text = TextOf(result);
            string? choice = choices.FirstOrDefault(choice => choice.Equals(text, StringComparison.OrdinalIgnoreCase));
            if (choice is null)
                result.AddError($"'{text}' is not a value of {name}; choose {(choices.Length == 1 ? "" : "one of ")}{string.Join(", ", choices)}");
            return choice;
        },
    };

    /// <summary>Any text; null when it is not given.</summary>
    public static Option<string?> Word(string name, string helpName, string help) => new(name)
    {
        Description = help,
        HelpName = helpName,
        Arity = ArgumentArity.ExactlyOne,
    };

    /// <summary>A path; null when it is not given.</summary>
    public static Option<string?> Place(string name, string help)
    {
        Option<string?> option = Word(name, "DIR", help);
        option.Validators.Add(result => RefuseEmpty(result, name));
        return option;
    }

    /// <summary>Refuses an empty path, which .NET would take for a mistake of the program's.</summary>
    /// <param name="result">What was given.</param>
    /// <param name="name">The option, or what the argument is called.</param>
    public static void RefuseEmpty(SymbolResult result, string name)
    {
        if (result.Tokens.Any(token => string.IsNullOrWhiteSpace(token.Value)))
            result.AddError($"The path after {name} is empty; expected the path of a file or folder");
    }

    private static Option<T?> Integer<T>(string name, string help, T smallest, T largest)
        where T : struct, IBinaryInteger<T>, IMinMaxValue<T> => new(name)
    {
        Description = help,
        HelpName = "N",
        Arity = ArgumentArity.ExactlyOne,
        CustomParser = result =>
        {
            string text = TextOf(result);
            bool isNumber = T.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out T value);
            if (isNumber && value >= smallest && value <= largest)
                return value;
            bool needsLargest = largest != T.MaxValue || smallest == T.MinValue || IsAbove(text, largest);
            string range = needsLargest ? Text($"from {smallest} to {largest}") : Text($"from {smallest} up");
            result.AddError($"'{text}' is not a value of {name}; expected a whole number {range}");
            return null;
        },
    };

    private static bool IsAbove<T>(string text, T largest)
        where T : IBinaryInteger<T> =>
        BigInteger.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out BigInteger value)
            && value > BigInteger.CreateChecked(largest);

    private static string TextOf(ArgumentResult result) => result.Tokens[0].Value;

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
