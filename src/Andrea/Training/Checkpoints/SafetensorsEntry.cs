using System.Globalization;

namespace Andrea.Training.Checkpoints;

/// <summary>One tensor as a safetensors header describes it.</summary>
/// <param name="Name">The name, prefix included.</param>
/// <param name="Shape">Sizes, outermost first; none for a scalar.</param>
/// <param name="Begin">First byte, counted from the end of the header.</param>
/// <param name="End">One past the last byte.</param>
internal sealed record SafetensorsEntry(string Name, long[] Shape, long Begin, long End)
{
    /// <summary>The shape as <c>(768, 3072)</c>.</summary>
    public string ShapeText => $"({string.Join(", ", Shape.Select(size => size.ToString(CultureInfo.InvariantCulture)))})";
}
