namespace Andrea.Cli.Rendering;

/// <summary>A row of characters whose heights follow a course of numbers.</summary>
internal static class Sparkline
{
    /// <summary>Stands for values that are not finite, whatever the terminal.</summary>
    public const char NotFinite = '!';

    private const string Blocks = "\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588";

    // From the ground up, for terminals that know nothing else.
    private const string Ascii = "_.-=+*%#";

    /// <summary>One character a value.</summary>
    /// <param name="values">The course.</param>
    /// <param name="logarithmic">Whether equal heights are equal factors; what is not above 0 then lies on the ground.</param>
    /// <param name="unicode">Whether the terminal has block characters.</param>
    public static string Of(ReadOnlySpan<double> values, bool logarithmic, bool unicode)
    {
        string levels = unicode ? Blocks : Ascii;
        (double low, double high) = Range(values, logarithmic);
        double bottom = Scale(low, logarithmic), height = Scale(high, logarithmic) - bottom;
        var text = new char[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            double share = height > 0 ? (Scale(values[i], logarithmic) - bottom) / height : 0.5;
            text[i] = !double.IsFinite(values[i]) ? NotFinite
                : logarithmic && values[i] <= 0 ? levels[0]
                : levels[Math.Clamp((int)(share * levels.Length), 0, levels.Length - 1)];
        }
        return new string(text);
    }

    /// <summary>The values that the lowest and the highest character stand for; NaN where there are none.</summary>
    public static (double Low, double High) Range(ReadOnlySpan<double> values, bool logarithmic)
    {
        double low = double.NaN, high = double.NaN;
        foreach (double value in values)
        {
            if (!double.IsFinite(value) || (logarithmic && value <= 0))
                continue;
            low = !(low <= value) ? value : low;
            high = !(high >= value) ? value : high;
        }
        return (low, high);
    }

    /// <summary>A quarter of linear values, since a difference of large numbers may be infinite.</summary>
    private static double Scale(double value, bool logarithmic) => logarithmic ? Math.Log(value) : value / 4;
}
