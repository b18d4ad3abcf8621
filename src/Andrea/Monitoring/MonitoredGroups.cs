using System.Globalization;
using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Monitoring;

/// <summary>Which tensors make which series of a monitor, and how their findings are joined.</summary>
internal sealed class MonitoredGroups
{
    private readonly MonitoredTensor[] _series;

    // Tensor by tensor of those that are selected, in the order of the set: its series, and where it begins in it.
    private readonly Member[] _members;
    private readonly UpdateSums[] _sums;

    // Instead of a coefficient: of a series of no tensor yet, and of one whose elements are not all multiplied alike.
    private const double NoneYet = -1, Mixed = -2;

    private readonly record struct Member(int Tensor, int Series, long Start);

    /// <summary>Reads the names.</summary>
    /// <exception cref="ArgumentException">A pattern matches no tensor.</exception>
    public MonitoredGroups(TensorSet tensors, GradientMonitorOptions options)
    {
        var series = new List<MonitoredTensor>();
        var members = new List<Member>();
        var seriesOf = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (int tensor in options.Select(tensors))
        {
            string name = tensors.NameOf(tensor);
            (string block, int? depth) = BlockOf(name);
            string key = options.Grouping == GradientGrouping.Block ? block : name;
            long start = 0, length = tensors.ShapeOf(tensor).Length;
            if (seriesOf.TryGetValue(key, out int index))
            {
                start = series[index].Length;
                series[index] = series[index] with { Length = start + length };
            }
            else
            {
                index = seriesOf[key] = series.Count;
                series.Add(new MonitoredTensor(key, length, depth));
            }
            members.Add(new Member(tensor, index, start));
        }
        _series = [.. series];
        _members = [.. members];
        _sums = new UpdateSums[_series.Length];
    }

    /// <summary>The series, in the order of their first tensors.</summary>
    public IReadOnlyList<MonitoredTensor> Series => _series;

    /// <summary>The block that a dotted name belongs to, from its first segment of digits alone: "h.3" and 3 for "h.3.attn.c_proj.weight"; the
    /// name itself and null where there is none.</summary>
    public static (string Block, int? Depth) BlockOf(string name)
    {
        for (int start = 0; start <= name.Length;)
        {
            int end = name.IndexOf('.', start);
            end = end < 0 ? name.Length : end;
            if (int.TryParse(name.AsSpan(start, end - start), NumberStyles.None, CultureInfo.InvariantCulture, out int depth))
                return (name[..end], depth);
            start = end + 1;
        }
        return (name, null);
    }

    /// <summary>Fills a record's readings from what the device found.</summary>
    /// <param name="norms">(tensors of the set).</param>
    /// <param name="updates">(tensors of the set), or empty when updates were not measured.</param>
    /// <param name="record">Its readings are overwritten.</param>
    public void Fill(ReadOnlySpan<TensorNorm> norms, ReadOnlySpan<UpdateSums> updates, GradientRecord record)
    {
        Span<TensorReading> readings = record.Places;
        // Sums of squares, until the roots are taken below; a norm squared in double neither overflows nor, where it matters, underflows.
        readings.Fill(Nothing);
        foreach (Member member in _members)
            readings[member.Series] = Joined(readings[member.Series], norms[member.Tensor], member.Start);
        for (int i = 0; i < readings.Length; i++)
        {
            double norm = Math.Sqrt(readings[i].Norm), coefficient = readings[i].Coefficient;
            double after = coefficient == Mixed ? Math.Sqrt(readings[i].NormAfter) : coefficient * norm;
            if (coefficient == Mixed)
                coefficient = after.Equals(norm) ? 1 : after / norm;
            readings[i] = readings[i] with { Norm = norm, NormAfter = after, Coefficient = coefficient };
        }
        if (!updates.IsEmpty)
            FillUpdates(updates, readings);
    }

    private static TensorReading Nothing => new()
    {
        Norm = 0,
        NormAfter = 0,
        Coefficient = NoneYet,
        MaxMagnitude = 0,
        NonFiniteCount = 0,
        FirstNonFinite = -1,
        WeightNorm = double.NaN,
        UpdateNorm = double.NaN,
        GradientRms = double.NaN,
        SecondMomentRatio = double.NaN,
    };

    private static TensorReading Joined(in TensorReading sum, in TensorNorm tensor, long start) => sum with
    {
        Norm = sum.Norm + tensor.Norm * tensor.Norm,
        NormAfter = sum.NormAfter + tensor.NormAfter * tensor.NormAfter,
        Coefficient = Joined(sum.Coefficient, tensor),
        // NaN wins.
        MaxMagnitude = MathF.Max(sum.MaxMagnitude, tensor.MaxMagnitude),
        NonFiniteCount = sum.NonFiniteCount + tensor.NonFiniteCount,
        FirstNonFinite = sum.FirstNonFinite < 0 && tensor.NonFiniteCount > 0 ? start + tensor.FirstNonFinite : sum.FirstNonFinite,
    };

    private static double Joined(double coefficient, in TensorNorm tensor) =>
        !tensor.NormAfter.Equals(tensor.Coefficient * tensor.Norm) ? Mixed
        : coefficient == NoneYet || coefficient.Equals(tensor.Coefficient) ? tensor.Coefficient
        : Mixed;

    private void FillUpdates(ReadOnlySpan<UpdateSums> updates, Span<TensorReading> readings)
    {
        Array.Clear(_sums);
        foreach (Member member in _members)
            Add(updates[member.Tensor], ref _sums[member.Series]);
        for (int i = 0; i < readings.Length; i++)
            readings[i] = readings[i] with
            {
                WeightNorm = Math.Sqrt(_sums[i].Weights),
                UpdateNorm = Math.Sqrt(_sums[i].Updates),
                GradientRms = Math.Sqrt(_sums[i].Ratios / _series[i].Length),
                SecondMomentRatio = _sums[i].SecondMoments / _sums[i].Gradients,
            };
    }

    private static void Add(in UpdateSums tensor, ref UpdateSums sums)
    {
        sums.Weights += tensor.Weights;
        sums.Updates += tensor.Updates;
        sums.Ratios += tensor.Ratios;
        sums.SecondMoments += tensor.SecondMoments;
        sums.Gradients += tensor.Gradients;
    }
}
