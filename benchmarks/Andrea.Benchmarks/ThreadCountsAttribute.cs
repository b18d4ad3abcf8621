using BenchmarkDotNet.Attributes;

namespace Andrea.Benchmarks;

/// <summary>Runs with one thread, and with one for each processor; tables then say what a row was measured with.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ThreadCountsAttribute() : ParamsAttribute([.. new SortedSet<int> { 1, Environment.ProcessorCount }.Cast<object>()]);
