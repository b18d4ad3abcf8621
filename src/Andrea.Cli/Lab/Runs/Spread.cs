using System.Globalization;

namespace Andrea.Cli.Lab.Runs;

/// <summary>What a number came to over several seeds. What is not finite counts as larger than all that is.</summary>
internal static class Spread
{
    /// <summary>The middle value, or the mean of both middle ones; NaN where there is none.</summary>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = Sorted(values);
        if (sorted.Length == 0)
            return double.NaN;
        double low = sorted[(sorted.Length - 1) / 2], high = sorted[sorted.Length / 2];
        return low == high ? low : low + 0.5 * (high - low);
    }

    /// <summary>Largest less smallest; 0 where there are fewer than two finite ones.</summary>
    public static double Range(IEnumerable<double> values)
    {
        double[] finite = [.. values.Where(double.IsFinite)];
        return finite.Length == 0 ? 0 : finite.Max() - finite.Min();
    }

    /// <summary>"1.20", or "1.20 (1.00 to 1.30)" of several that differ; "-" of none.</summary>
    public static string Of(IEnumerable<double> values, string format = "0.00")
    {
        double[] sorted = Sorted(values);
        if (sorted.Length == 0)
            return "-";
        string low = Text(sorted[0], format), high = Text(sorted[^1], format), median = Text(Median(sorted), format);
        return low == high ? median : $"{median} ({low} to {high})";
    }

    /// <summary>A number as a table shows it.</summary>
    public static string Text(double value, string format = "0.00") =>
        double.IsFinite(value) ? value.ToString(format, CultureInfo.InvariantCulture) : double.IsNaN(value) ? "NaN" : "inf";

    private static double[] Sorted(IEnumerable<double> values) => [.. values.Select(value => double.IsNaN(value) ? double.PositiveInfinity : value).Order()];
}
