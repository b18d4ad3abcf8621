using Andrea.Tensors;

namespace Andrea.Optim;

/// <summary>Looks for tensors that share memory: blocks of a kernel run in any order, so a parameter that is another's gradient would depend on it.</summary>
internal static class Overlaps
{
    /// <summary>Throws when two tensors of these sets overlap; absent and empty ones do not.</summary>
    /// <param name="sets">The sets, each with what one of its tensors is called.</param>
    /// <exception cref="ArgumentException">Two tensors share memory; the message names both.</exception>
    public static void Refuse(ReadOnlySpan<(TensorSet Set, string Kind)> sets)
    {
        var ranges = new List<(nint Start, nint End, string Name)>();
        foreach ((TensorSet set, string kind) in sets)
            for (int i = 0; i < set.Count; i++)
                if (set.ShapeOf(i).Length > 0 && set.IsPresent(i))
                    ranges.Add((set.AddressOf(i), set.AddressOf(i) + (nint)(set.ShapeOf(i).Length * sizeof(float)), $"{kind} '{set.NameOf(i)}'"));
        ranges.Sort((a, b) => a.Start.CompareTo(b.Start));
        for (int i = 1; i < ranges.Count; i++)
            if (ranges[i].Start < ranges[i - 1].End)
                throw new ArgumentException(
                    $"The {ranges[i].Name} overlaps the {ranges[i - 1].Name} in memory. Parameters and gradients need memory of their own.", "gradients");
    }
}
