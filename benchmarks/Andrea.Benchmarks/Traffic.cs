using System.Reflection;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;

namespace Andrea.Benchmarks;

/// <summary>Memory that a benchmark reads and writes for each of its N elements, as the algorithm needs it.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class TrafficAttribute(int bytesPerElement) : Attribute
{
    public int BytesPerElement => bytesPerElement;
}

/// <summary>Adds GB/s for methods with a <see cref="TrafficAttribute"/> in a class with a parameter N.</summary>
internal sealed class TrafficConfig : ManualConfig
{
    private const string SizeParameter = "N";

    public TrafficConfig()
    {
        AddJob(Measurement.Job);
        AddColumn(StatisticColumn.Median, StatisticColumn.Min);
        AddColumn(new RateColumn(
            "GB/s",
            "bytes that the algorithm reads and writes / median time",
            benchmark => (double)(benchmark.Descriptor.WorkloadMethod.GetCustomAttribute<TrafficAttribute>()?.BytesPerElement ?? 0)
                * (int)benchmark.Parameters[SizeParameter]));
    }
}
