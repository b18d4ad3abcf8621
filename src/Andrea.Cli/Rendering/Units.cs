using static System.FormattableString;

namespace Andrea.Cli.Rendering;

/// <summary>Numbers as people read them. Always with a point, whatever the machine's culture.</summary>
internal static class Units
{
    /// <summary>"1.5 GiB".</summary>
    public static string Bytes(long bytes) => bytes switch
    {
        >= 1L << 40 => Invariant($"{bytes / (double)(1L << 40):0.0} TiB"),
        >= 1L << 30 => Invariant($"{bytes / (double)(1L << 30):0.0} GiB"),
        >= 1L << 20 => Invariant($"{bytes / (double)(1L << 20):0.0} MiB"),
        >= 1L << 10 => Invariant($"{bytes / (double)(1L << 10):0.0} KiB"),
        _ => Invariant($"{bytes} bytes"),
    };

    /// <summary>"950", "45.2k", "1.2M", "98.7M", "1.1G".</summary>
    public static string Count(double count) => count switch
    {
        >= 1e9 => Invariant($"{count / 1e9:0.0}G"),
        >= 1e6 => Invariant($"{count / 1e6:0.0}M"),
        >= 1e4 => Invariant($"{count / 1e3:0.0}k"),
        _ => Invariant($"{count:0}"),
    };

    /// <summary>"0:07", "12:34", "3:02:01", "2d 04:10"; "?" when it is not known.</summary>
    public static string Time(TimeSpan? time) => time switch
    {
        null => "?",
        { TotalDays: >= 1 } t => Invariant($"{(int)t.TotalDays}d {t.Hours:00}:{t.Minutes:00}"),
        { TotalHours: >= 1 } t => Invariant($"{t.Hours}:{t.Minutes:00}:{t.Seconds:00}"),
        { } t => Invariant($"{t.Minutes}:{t.Seconds:00}"),
    };

    /// <summary>A loss or norm: four decimals while they say something, else a power of ten; "NaN" and "Inf" as words.</summary>
    public static string Value(double value) => value switch
    {
        double.NaN => "NaN",
        double.PositiveInfinity => "Inf",
        double.NegativeInfinity => "-Inf",
        0 => "0.0000",
        _ when Math.Abs(value) is >= 1000 or < 0.001 => Invariant($"{value:0.00e+0}"),
        _ => Invariant($"{value:0.0000}"),
    };

    /// <summary>A learning rate: "1.00e-3".</summary>
    public static string Rate(double rate) => Invariant($"{rate:0.00e+0}");

    /// <summary>"12%", "0.4%".</summary>
    public static string Percent(double share) => share is > 0 and < 0.0995 ? Invariant($"{share * 100:0.0}%") : Invariant($"{share * 100:0}%");

    /// <summary>Milliseconds, with as many digits as matter.</summary>
    public static string Milliseconds(double milliseconds) => milliseconds switch
    {
        >= 100 => Invariant($"{milliseconds:0}"),
        >= 10 => Invariant($"{milliseconds:0.0}"),
        _ => Invariant($"{milliseconds:0.000}"),
    };
}
