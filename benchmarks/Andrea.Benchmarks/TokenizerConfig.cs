using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;

namespace Andrea.Benchmarks;

/// <summary>Adds a column of text over time.</summary>
internal sealed class TokenizerConfig : ManualConfig
{
    public TokenizerConfig()
    {
        AddJob(Measurement.Job);
        AddColumn(StatisticColumn.Median, StatisticColumn.Min);
        // Bytes per nanosecond are GB/s.
        AddColumn(new RateColumn("MB/s", "bytes of text / median time", _ => 1000.0 * TokenizerBenchmark.Length));
    }
}
