namespace Andrea.Data.Corpus;

/// <summary>A thing with its kind and what sets it apart.</summary>
internal sealed record Thing(string Word, string Kind, string Trait);

/// <summary>Things in order of some quality, the least first.</summary>
internal sealed record Scale(string Adjective, string Comparative, string Superlative, string[] Things);

/// <summary>The facts of <see cref="FactRules"/>, parsed.</summary>
internal static class Facts
{
    public static Thing[] Things { get; } =
        [.. Lines(FactRules.Things).Select(line => line.Split(": ")).Select(cells => new Thing(cells[0], cells[1], cells[2]))];

    public static string[] Kinds { get; } = [.. Things.Select(thing => thing.Kind).Distinct()];

    public static (string Word, string Opposite)[] Opposites { get; } =
        [.. Words(FactRules.Opposites.Replace('\n', ',')).Select(pair => pair.Split(' ')).Select(pair => (pair[0], pair[1]))];

    public static Scale[] Scales { get; } = [.. Lines(FactRules.Scales).Select(ParseScale)];

    public static (string Question, string Answer)[] Everyday { get; } =
        [.. Lines(FactRules.Everyday).Select(line => line.Split(" | ")).Select(cells => (cells[0], cells[1]))];

    public static string[] Weekdays { get; } = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

    public static (string Name, int Days)[] Months { get; } =
    [
        ("January", 31), ("February", 28), ("March", 31), ("April", 30), ("May", 31), ("June", 30), ("July", 31), ("August", 31),
        ("September", 30), ("October", 31), ("November", 30), ("December", 31),
    ];

    /// <summary>Verbs whose forms are asked for, with something that can be done with them.</summary>
    public static string[] Verbs { get; } = Words(
        "bring, build, catch, choose, draw, drink, drive, eat, fall, feed, find, fly, forget, give, grow, hear, hide, hold, keep, know, " +
        "leave, lose, make, meet, pay, read, ride, ring, run, see, sell, send, sing, sit, sleep, speak, stand, steal, sweep, swim, take, " +
        "teach, tell, think, throw, wear, win, write, walk, jump, carry, stop, plan, bake, paint, listen, answer, watch, worry, hope");

    private static Scale ParseScale(string line)
    {
        string[] cells = line.Split(": ");
        string[] words = cells[0].Split(' ');
        return new Scale(words[0], words[1], words[2], Words(cells[1]));
    }

    private static IEnumerable<string> Lines(string text) => text.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0);

    private static string[] Words(string text) => text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}
