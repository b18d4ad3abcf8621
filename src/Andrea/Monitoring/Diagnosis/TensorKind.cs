using System.Globalization;

namespace Andrea.Monitoring.Diagnosis;

/// <summary>Like-named tensors of several blocks, which have the same shape, so that their norms can be compared: "h.*.mlp.c_fc.weight".</summary>
/// <param name="Name">Their name, with a star in the place of the block's number.</param>
/// <param name="Indices">Their places in the record, from the lowest block up.</param>
/// <param name="Depths">Their blocks.</param>
internal sealed record TensorKind(string Name, int[] Indices, int[] Depths)
{
    /// <summary>Finds the kinds that occur in at least so many blocks.</summary>
    public static TensorKind[] Find(IReadOnlyList<MonitoredTensor> tensors, int leastDepths) =>
    [
        .. from index in Enumerable.Range(0, tensors.Count)
           let depth = tensors[index].Depth
           where depth is not null
           group (Index: index, Depth: depth.Value) by (Name: Starred(tensors[index]), tensors[index].Length) into kind
           where kind.Select(tensor => tensor.Depth).Distinct().Count() >= leastDepths
           let ordered = kind.OrderBy(tensor => tensor.Depth).ToArray()
           select new TensorKind(kind.Key.Name, [.. ordered.Select(tensor => tensor.Index)], [.. ordered.Select(tensor => tensor.Depth)]),
    ];

    private static string Starred(MonitoredTensor tensor)
    {
        string number = tensor.Depth!.Value.ToString(CultureInfo.InvariantCulture);
        string[] parts = tensor.Name.Split('.');
        int place = Array.IndexOf(parts, number);
        if (place >= 0)
            parts[place] = "*";
        return string.Join('.', parts);
    }
}
