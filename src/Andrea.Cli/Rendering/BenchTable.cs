using Andrea.Cli.Bench;
using static System.FormattableString;

namespace Andrea.Cli.Rendering;

/// <summary>Writes a benchmark's results as a table of plain text, columns without any value left out.</summary>
internal static class BenchTable
{
    private static readonly (string Heading, Func<BenchResult, string?> Value)[] Columns =
    [
        ("", result => result.Name),
        ("median ms", result => Units.Milliseconds(result.MedianMs)),
        ("min ms", result => Units.Milliseconds(result.MinMs)),
        ("share", result => result.Share is { } share ? Units.Percent(share) : null),
        ("GB/s", result => result.GigabytesPerSecond is { } rate ? Invariant($"{rate:0.0}") : null),
        ("GFLOP/s", result => result.GigaflopsPerSecond is { } rate ? Invariant($"{rate:0.0}") : null),
        ("tokens/s", result => result.TokensPerSecond is { } rate ? Invariant($"{rate:0}") : null),
    ];

    public static void Write(BenchReport report, TextWriter output)
    {
        string shape = report.Batch is { } batch ? Invariant($", batch {batch} x {report.Context} tokens") : "";
        output.WriteLine(
            Invariant($"{report.Benchmark} of {report.Preset}: {report.Parameters:N0} parameters{shape}, {report.Repetitions} repetitions"));
        output.WriteLine($"{report.Device}; {report.Processor}");
        output.WriteLine();
        IEnumerable<string[]> columns = Columns.Select(column => CellsOf(column, report.Results));
        string[][] cells = [.. columns.Where(column => column.Skip(1).Any(cell => cell.Length > 0))];
        int[] widths = [.. cells.Select(column => column.Max(cell => cell.Length))];
        for (int row = 0; row <= report.Results.Count; row++)
        {
            IEnumerable<string> line = cells.Select((column, i) => i == 0 ? column[row].PadRight(widths[i]) : column[row].PadLeft(widths[i]));
            output.WriteLine(string.Join("  ", line).TrimEnd());
        }
    }

    private static string[] CellsOf((string Heading, Func<BenchResult, string?> Value) column, IEnumerable<BenchResult> results) =>
        [column.Heading, .. results.Select(result => column.Value(result) ?? "")];
}
