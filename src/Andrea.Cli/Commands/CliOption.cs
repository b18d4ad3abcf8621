using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Andrea.Cli.Commands;

/// <summary>Makes options that check their value and say in one sentence what would be right.</summary>
internal static class CliOption
{
    /// <summary>A whole number; null when it is not given.</summary>
    public static Option<long?> Whole(string name, string help, long smallest, long largest = long.MaxValue) => new(name)
    {
        Description = help,
        HelpName = "N",
        CustomParser = result =>
        {
            string text = TextOf(result);
            if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) && value >= smallest && value <= largest)
                return value;
            string range = largest == long.MaxValue ? Text($"from {smallest} up") : Text($"from {smallest} to {largest}");
            result.AddError($"'{text}' is not a value of {name}; expected a whole number {range}");
            return null;
        },
    };

    /// <summary>A whole number that fits an int.</summary>
    public static Option<int?> Count(string name, string help, int smallest, int largest = int.MaxValue) => new(name)
    {
        Description = help,
        HelpName = "N",
        CustomParser = result =>
        {
            string text = TextOf(result);
            if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int value) && value >= smallest && value <= largest)
                return value;
            string range = largest == int.MaxValue ? Text($"from {smallest} up") : Text($"from {smallest} to {largest}");
            result.AddError($"'{text}' is not a value of {name}; expected a whole number {range}");
            return null;
        },
    };

    /// <summary>A finite number; null when it is not given.</summary>
    /// <param name="name">The option.</param>
    /// <param name="help">Its line in the help.</param>
    /// <param name="expected">What is expected, to end the sentence "expected ...".</param>
    /// <param name="isRight">Whether a number is in range.</param>
    /// <param name="allowInfinity">Whether inf is a value, too.</param>
    public static Option<double?> Number(string name, string help, string expected, Func<double, bool> isRight, bool allowInfinity = false) => new(name)
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

    /// <summary>A seed: any 64-bit number.</summary>
    public static Option<ulong?> Seed(string help) => new("--seed")
    {
        Description = help,
        HelpName = "N",
        CustomParser = result =>
        {
            string text = TextOf(result);
            if (ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong value))
                return value;
            result.AddError($"'{text}' is not a value of --seed; expected a whole number from 0 to {ulong.MaxValue.ToString(CultureInfo.InvariantCulture)}");
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

    private static string TextOf(ArgumentResult result) => result.Tokens[0].Value;

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}
