using System.Text.Json.Serialization;

namespace Andrea.Cli.Bench;

/// <summary>What a benchmark measured, and where.</summary>
internal sealed record BenchReport
{
    public required string Benchmark { get; init; }

    public required string Preset { get; init; }

    public required long Parameters { get; init; }

    /// <summary>Sequences in a batch; null where there is none.</summary>
    public int? Batch { get; init; }

    /// <summary>Tokens in a sequence; null where there is none.</summary>
    public int? Context { get; init; }

    public required int Repetitions { get; init; }

    public required string Device { get; init; }

    public required string Processor { get; init; }

    public required string AndreaVersion { get; init; }

    public required IReadOnlyList<BenchResult> Results { get; init; }
}

/// <summary>One line of a benchmark.</summary>
/// <param name="Name">What was timed.</param>
/// <param name="MedianMs">Median time in milliseconds.</param>
/// <param name="MinMs">Shortest time in milliseconds.</param>
/// <param name="GigabytesPerSecond">Memory traffic that the algorithm needs, over the median; null where it says nothing.</param>
/// <param name="GigaflopsPerSecond">Floating-point operations of the matrix products, over the median; null where there are none.</param>
/// <param name="TokensPerSecond">Tokens trained on, over the median; null for parts of a step.</param>
/// <param name="Share">Share of the whole step's time; null where there is no step.</param>
internal sealed record BenchResult(
    string Name,
    double MedianMs,
    double MinMs,
    double? GigabytesPerSecond = null,
    double? GigaflopsPerSecond = null,
    double? TokensPerSecond = null,
    double? Share = null);

/// <summary>Writes reports without reflection.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(BenchReport))]
internal sealed partial class BenchJson : JsonSerializerContext;
