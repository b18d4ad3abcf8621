using System.Globalization;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;

namespace Andrea.Benchmarks;

/// <summary>A column of work over time, from the median: bytes or operations per nanosecond are GB/s or GFLOP/s.</summary>
/// <param name="name">Heading, with the unit.</param>
/// <param name="legend">What is divided by what.</param>
/// <param name="workOf">Work of one call in the unit's billionths; 0 where the column says nothing.</param>
internal sealed class RateColumn(string name, string legend, Func<BenchmarkCase, double> workOf) : IColumn
{
    public string Id => name;

    public string ColumnName => name;

    public string Legend => legend;

    public bool AlwaysShow => true;

    public ColumnCategory Category => ColumnCategory.Custom;

    public int PriorityInCategory => 0;

    public bool IsNumeric => true;

    public UnitType UnitType => UnitType.Dimensionless;

    public bool IsAvailable(Summary summary) => true;

    public bool IsDefault(Summary summary, BenchmarkCase benchmarkCase) => false;

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase)
    {
        double work = workOf(benchmarkCase);
        return work > 0 && summary[benchmarkCase]?.ResultStatistics is { } statistics
            ? (work / statistics.Median).ToString("F1", CultureInfo.InvariantCulture)
            : "-";
    }

    public string GetValue(Summary summary, BenchmarkCase benchmarkCase, SummaryStyle style) => GetValue(summary, benchmarkCase);
}
