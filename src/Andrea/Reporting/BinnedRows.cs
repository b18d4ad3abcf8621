using System.Runtime.InteropServices;
using System.Text.Json;

namespace Andrea.Reporting;

/// <summary>Series of many places (tensors) over time in a bounded number of columns: when there are too many, neighbours become one, which keeps the largest value.</summary>
/// <remarks>NaN counts as larger than +Infinity, and that as larger than any number, so nothing that is not finite is lost; a place shows 0 only if it was 0
/// throughout. The page's script does the same to the lines that it is given live.</remarks>
internal sealed class BinnedRows(params string[] quantities)
{
    /// <summary>Most columns; twice as many as a wide screen tells apart in a heat map would be wasted.</summary>
    public const int MaxColumns = 512;

    private readonly List<Column> _columns = [];

    /// <summary>Records in a full column.</summary>
    private int _stride = 1;

    public int Count => _columns.Count;

    public long LastStep => _columns.Count == 0 ? long.MinValue : _columns[^1].Last;

    /// <summary>Adds a record.</summary>
    /// <param name="step">Its step, above all before.</param>
    /// <param name="values">For each quantity a value for each place, null where none was measured; not copied.</param>
    public void Add(long step, double?[][] values)
    {
        if (_columns.Count > 0 && _columns[^1].Records < _stride)
        {
            _columns[^1].Merge(step, 1, values);
            return;
        }
        if (_columns.Count == MaxColumns)
            Halve();
        if (_columns.Count > 0 && _columns[^1].Records < _stride)
            _columns[^1].Merge(step, 1, values);
        else
            _columns.Add(new Column(step, values));
    }

    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteNumber("stride", _stride);
        foreach ((string name, Func<Column, long> number) in (ReadOnlySpan<(string, Func<Column, long>)>)
            [("first", column => column.First), ("last", column => column.Last), ("records", column => column.Records)])
        {
            json.WriteStartArray(name);
            foreach (Column column in _columns)
                json.WriteNumberValue(number(column));
            json.WriteEndArray();
        }
        for (int i = 0; i < quantities.Length; i++)
        {
            json.WriteStartArray(quantities[i]);
            foreach (Column column in _columns)
            {
                json.WriteStartArray();
                foreach (double? value in column.Values[i])
                    json.WriteShort(value);
                json.WriteEndArray();
            }
            json.WriteEndArray();
        }
    }

    private void Halve()
    {
        for (int i = 0; i < MaxColumns / 2; i++)
        {
            Column left = _columns[2 * i], right = _columns[2 * i + 1];
            left.Merge(right.Last, right.Records, right.Values);
            _columns[i] = left;
        }
        CollectionsMarshal.SetCount(_columns, MaxColumns / 2);
        _stride *= 2;
    }

    private sealed class Column(long step, double?[][] values)
    {
        public long First { get; } = step;

        public long Last { get; private set; } = step;

        public int Records { get; private set; } = 1;

        public double?[][] Values { get; } = values;

        public void Merge(long last, int records, double?[][] other)
        {
            Last = last;
            Records += records;
            for (int q = 0; q < Values.Length; q++)
            {
                // Tensors may have been added when the run was resumed.
                if (other[q].Length > Values[q].Length)
                    Array.Resize(ref Values[q], other[q].Length);
                for (int i = 0; i < other[q].Length; i++)
                    Values[q][i] = Larger(Values[q][i], other[q][i]);
            }
        }

        private static double? Larger(double? a, double? b) =>
            a is not { } left ? b : b is not { } right ? a : double.IsNaN(left) || left >= right ? left : right;
    }
}
