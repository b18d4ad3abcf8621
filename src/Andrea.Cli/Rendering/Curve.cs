namespace Andrea.Cli.Rendering;

/// <summary>A number's whole course in little memory: once it is full, neighbours are joined, and each place stands for twice as many steps.</summary>
/// <param name="keepsPeaks">Joined values leave their largest, so that a single spike stays visible; else their mean.</param>
internal sealed class Curve(bool keepsPeaks)
{
    /// <summary>Places; more than any terminal has columns for a sparkline.</summary>
    internal const int Capacity = 512;

    private readonly Place[] _places = new Place[Capacity];
    private long _valuesPerPlace = 1;

    /// <summary>Places in use.</summary>
    public int Count { get; private set; }

    /// <summary>Takes the next value in. Allocates nothing.</summary>
    public void Add(double value)
    {
        if (Count > 0 && _places[Count - 1].Values < _valuesPerPlace)
        {
            _places[Count - 1] = Join(_places[Count - 1], Place.Of(value));
            return;
        }
        if (Count == Capacity)
            Halve();
        _places[Count++] = Place.Of(value);
    }

    /// <summary>The course in so many columns, or fewer while there are fewer values; NaN where a value was not finite.</summary>
    public double[] InColumns(int columns)
    {
        var values = new double[Math.Min(columns, Count)];
        for (int column = 0; column < values.Length; column++)
        {
            int begin = (int)((long)column * Count / values.Length), end = (int)((column + 1L) * Count / values.Length);
            Place place = _places[begin];
            for (int i = begin + 1; i < end; i++)
                place = Join(place, _places[i]);
            values[column] = !place.IsFinite ? double.NaN : keepsPeaks ? place.Largest : place.Mean;
        }
        return values;
    }

    private void Halve()
    {
        for (int i = 0; i < Capacity / 2; i++)
            _places[i] = Join(_places[2 * i], _places[(2 * i) + 1]);
        Count = Capacity / 2;
        _valuesPerPlace *= 2;
    }

    private static Place Join(in Place a, in Place b)
    {
        long values = a.Values + b.Values;
        // No sums, which could overflow where no value does.
        double share = (double)b.Values / values;
        return new Place((a.Mean * (1 - share)) + (b.Mean * share), Math.Max(a.Largest, b.Largest), values, a.IsFinite && b.IsFinite);
    }

    private readonly record struct Place(double Mean, double Largest, long Values, bool IsFinite)
    {
        public static Place Of(double value) => new(value, value, 1, double.IsFinite(value));
    }
}
