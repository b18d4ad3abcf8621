namespace Andrea.Monitoring.Diagnosis;

/// <summary>The latest values of a series, with their median and their median absolute deviation (MAD): what is usual, whatever a few outliers say.</summary>
/// <remarks>
/// A mean and a standard deviation are pulled along by the very outliers they shall find; up to half of a window may be outliers before its
/// median and MAD follow. Adding costs O(window) moves in a sorted copy, the median O(1), the MAD O(window); nothing is allocated after
/// construction. Not thread-safe. Hampel 1974; Iglewicz and Hoaglin 1993.
/// <code>
/// var window = new RobustWindow(100);
/// foreach (double norm in norms)
///     window.Add(norm);
/// Console.WriteLine(window.ZScore(latestNorm)); // above 6: unusual
/// </code>
/// </remarks>
internal sealed class RobustWindow
{
    /// <summary>MAD times this is the standard deviation of normally distributed values.</summary>
    public const double NormalScale = 1.4826;

    // In the order of arrival, as a ring, and in order of size.
    private readonly double[] _ring, _sorted;
    private int _next;

    /// <summary>Makes an empty window.</summary>
    /// <param name="capacity">Number of values it holds; at least 1.</param>
    public RobustWindow(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        _ring = new double[capacity];
        _sorted = new double[capacity];
    }

    /// <summary>Number of values it holds when full.</summary>
    public int Capacity => _ring.Length;

    /// <summary>Number of values in it.</summary>
    public int Count { get; private set; }

    /// <summary>Whether the next value takes the place of the oldest.</summary>
    public bool IsFull => Count == Capacity;

    /// <summary>Middle value, or the mean of both middle ones; NaN when empty.</summary>
    public double Median => Count == 0 ? double.NaN : Middle(_sorted[(Count - 1) / 2], _sorted[Count / 2]);

    /// <summary>Smallest value; NaN when empty.</summary>
    public double Min => Count == 0 ? double.NaN : _sorted[0];

    /// <summary>Largest value; NaN when empty.</summary>
    public double Max => Count == 0 ? double.NaN : _sorted[Count - 1];

    /// <summary>Adds a value, in place of the oldest when full. NaN and Inf are not taken in.</summary>
    /// <param name="value">The value.</param>
    /// <returns>Whether it was taken in.</returns>
    public bool Add(double value) => Add(value, out _);

    /// <summary>Adds a value and tells which one had to go for it.</summary>
    /// <param name="value">The value; NaN and Inf are not taken in.</param>
    /// <param name="oldest">The value that had to go; NaN if none.</param>
    /// <returns>Whether it was taken in.</returns>
    public bool Add(double value, out double oldest)
    {
        oldest = double.NaN;
        if (!double.IsFinite(value))
            return false;
        // -0 becomes 0, so that equal values have equal bits and each is found again.
        value += 0.0;
        if (IsFull)
        {
            oldest = _ring[_next];
            Remove(oldest);
        }
        _ring[_next] = value;
        _next = _next + 1 == Capacity ? 0 : _next + 1;
        Insert(value);
        return true;
    }

    /// <summary>Median distance from the median; 0 when more than half of the values are equal, NaN when empty.</summary>
    public double MedianAbsoluteDeviation()
    {
        if (Count == 0)
            return double.NaN;
        double median = Median;
        // Distances grow to both sides of the median: merging the two sides gives them in order.
        int above = Count / 2, below = above - 1;
        double previous = 0, current = 0;
        for (int taken = 0; taken <= Count / 2; taken++)
        {
            previous = current;
            double up = above < Count ? _sorted[above] - median : double.PositiveInfinity;
            double down = below >= 0 ? median - _sorted[below] : double.PositiveInfinity;
            if (up <= down)
                (current, above) = (up, above + 1);
            else
                (current, below) = (down, below - 1);
        }
        return Count % 2 == 1 ? current : Middle(previous, current);
    }

    /// <summary>How unusual a value is: (value - median) / scale, with scale = 1.4826 MAD, but at least a share of the median, and a smallest scale.</summary>
    /// <param name="value">The value, usually not added yet.</param>
    /// <param name="smallestShare">Least scale, as a share of |median|: keeps values that hardly differ from making every other one unusual.</param>
    /// <param name="smallestScale">Least scale.</param>
    /// <returns>+Infinity for NaN and Inf, and for values above the median where the scale is 0; NaN when the window is empty.</returns>
    public double ZScore(double value, double smallestShare = 0, double smallestScale = 0)
    {
        if (!double.IsFinite(value))
            return double.PositiveInfinity;
        double median = Median, distance = value - median;
        double scale = Math.Max(Math.Max(NormalScale * MedianAbsoluteDeviation(), smallestShare * Math.Abs(median)), smallestScale);
        return distance == 0 ? 0 : distance / scale;
    }

    /// <summary>A copy of the values, oldest first.</summary>
    public double[] InOrder() => IsFull ? [.. _ring[_next..], .. _ring[.._next]] : _ring[..Count];

    /// <summary>Forgets all values.</summary>
    public void Clear() => (Count, _next) = (0, 0);

    private static double Middle(double low, double high) => low + 0.5 * (high - low);

    private void Insert(double value)
    {
        Span<double> values = _sorted.AsSpan(0, Count + 1);
        int place = values[..Count].BinarySearch(value);
        place = place < 0 ? ~place : place;
        values[place..Count].CopyTo(values[(place + 1)..]);
        values[place] = value;
        Count++;
    }

    private void Remove(double value)
    {
        Span<double> values = _sorted.AsSpan(0, Count);
        int place = values.BinarySearch(value);
        values[(place + 1)..].CopyTo(values[place..]);
        Count--;
    }
}
