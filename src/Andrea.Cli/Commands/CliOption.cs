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
    public static Option<string?> Word(string name, string helpName, string help) => new(name) { Description = help, HelpName = helpName };

    private static Option<T?> Integer<T>(string name, string help, T smallest, T largest)
        where T : struct, IBinaryInteger<T>, IMinMaxValue<T> => new(name)
    {
        Description = help,
        HelpName = "N",
        CustomParser = result =>
        {
            string text = TextOf(result);
            bool isNumber = T.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out T value);
            if (isNumber && value >= smallest && value <= largest)
                return value;
            string range = largest == T.MaxValue && smallest != T.MinValue ? Text($"from {smallest} up") : Text($"from {smallest} to {largest}");
            result.AddError($"'{text}' is not a value of {name}; expected a whole number {range}");
            return null;
        },
    };

    private static string TextOf(ArgumentResult result) => result.Tokens[0].Value;

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
