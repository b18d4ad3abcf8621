using Andrea.Monitoring;
using static System.FormattableString;

namespace Andrea.Cli.Rendering;

/// <summary>The tensors to look at first: one that is not finite, the one with most of the gradient, the one that moves most.</summary>
/// <remarks>A value, so that a view may draw it on another thread than the one that follows the run; following it allocates nothing.</remarks>
internal readonly record struct WorstLayers
{
    // A NaN is worth seeing for longer than the tenth of a second that its step takes.
    private const long StepsToRemember = 100;

    /// <summary>First tensor with a gradient that was not finite, in the last <see cref="StepsToRemember"/> steps; null if there was none.</summary>
    public string? NotFinite { get; init; }

    /// <summary>Index of its first such gradient.</summary>
    public long NotFiniteIndex { get; init; }

    /// <summary>The step of it.</summary>
    public long NotFiniteStep { get; init; }

    /// <summary>The tensor with the largest norm; null when no norm is known.</summary>
    public string? Largest { get; init; }

    /// <summary>Its share of the joint norm, as squares, so that all tensors have 1 together.</summary>
    public double LargestShare { get; init; }

    /// <summary>The tensor with the largest update beside its weights, when updates were last measured; null before.</summary>
    public string? Fastest { get; init; }

    /// <summary>Norm of its update over norm of its weights.</summary>
    public double FastestRatio { get; init; }

    /// <summary>What is known after one more step.</summary>
    /// <param name="record">The step's gradients.</param>
    /// <param name="norm">Joint norm of all gradients in that step, before clipping.</param>
    public WorstLayers After(GradientRecord record, double norm)
    {
        WorstLayers next = NotFinite is not null && record.Step - NotFiniteStep <= StepsToRemember ? this : this with { NotFinite = null };
        int bad = -1, largest = -1, fastest = -1;
        ReadOnlySpan<TensorReading> readings = record.Readings;
        for (int i = 0; i < readings.Length; i++)
        {
            if (bad < 0 && readings[i].NonFiniteCount > 0)
                bad = i;
            if (double.IsFinite(readings[i].Norm) && (largest < 0 || readings[i].Norm > readings[largest].Norm))
                largest = i;
            if (readings[i].UpdateRatio >= (fastest < 0 ? 0 : readings[fastest].UpdateRatio))
                fastest = i;
        }
        if (bad >= 0)
            next = next with { NotFinite = record.Tensors[bad].Name, NotFiniteIndex = readings[bad].FirstNonFinite, NotFiniteStep = record.Step };
        // Of a norm that is infinite or zero there are no shares.
        bool hasShares = largest >= 0 && double.IsFinite(norm) && norm > 0;
        next = next with
        {
            Largest = hasShares ? record.Tensors[largest].Name : null,
            LargestShare = hasShares ? Math.Min(1, Math.Pow(readings[largest].Norm / norm, 2)) : double.NaN,
        };
        return fastest < 0 ? next : next with { Fastest = record.Tensors[fastest].Name, FastestRatio = readings[fastest].UpdateRatio };
    }

    /// <summary>In one line of text; empty when nothing is known.</summary>
    /// <param name="width">Most characters: what matters least is left out, then the end.</param>
    public string Text(int width = int.MaxValue)
    {
        string[] parts =
        [
            .. NotFinite is null ? [] : (string[])[Invariant($"{NotFinite}[{NotFiniteIndex}] not finite at step {NotFiniteStep}")],
            .. Largest is null ? [] : (string[])[$"{Largest} {Units.Percent(LargestShare)} of norm"],
            .. Fastest is null ? [] : (string[])[$"{Fastest} update/weight {Units.Rate(FastestRatio)}"],
        ];
        int count = parts.Length;
        string text = string.Join(Gap, parts);
        while (text.Length > width && count > 1)
            text = string.Join(Gap, parts[..--count]);
        return text.Length <= width ? text : text[..width];
    }

    private const string Gap = "  ";
}
