namespace Andrea.Monitoring;

/// <summary>What one series of a gradient monitor is about: a tensor, or several looked at as one vector.</summary>
/// <param name="Name">The tensor's name, or that of the group, such as "h.3".</param>
/// <param name="Length">Number of elements.</param>
/// <param name="Depth">Which block it belongs to, counted from the input; null for what belongs to none, such as tables and the head.</param>
public sealed record MonitoredTensor(string Name, long Length, int? Depth);
