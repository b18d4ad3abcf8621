using System.Text.Json;

namespace Andrea.Reporting;

/// <summary>What the steps of a run recorded, column by column; row i of every column belongs to the same step. Null is a value that the file does not have.</summary>
public sealed class StepColumns
{
    /// <summary>Buckets that a long run is divided into for a page: about twice a screen's columns.</summary>
    private const int Buckets = 400;

    /// <summary>A run of so many steps is shown as it is.</summary>
    internal const int UnthinnedRows = 4000;

    private readonly List<long> _step = [];
    private readonly List<double?> _loss = [], _norm = [], _normAfter = [], _coefficient = [], _clipRate = [], _rate = [], _speed = [];
    private readonly List<bool> _skipped = [];

    internal StepColumns()
    {
    }

    /// <summary>The steps, rising.</summary>
    public IReadOnlyList<long> Step => _step;

    /// <summary>Training loss in nats per token.</summary>
    public IReadOnlyList<double?> Loss => _loss;

    /// <summary>Norm of all gradients before clipping.</summary>
    public IReadOnlyList<double?> Norm => _norm;

    /// <summary>The same after clipping.</summary>
    public IReadOnlyList<double?> NormAfter => _normAfter;

    /// <summary>What gradients were multiplied by, 0 to 1.</summary>
    public IReadOnlyList<double?> Coefficient => _coefficient;

    /// <summary>Share of clips so far that changed the gradients, 0 to 1.</summary>
    public IReadOnlyList<double?> ClipRate => _clipRate;

    /// <summary>Whether the step was skipped.</summary>
    public IReadOnlyList<bool> Skipped => _skipped;

    /// <summary>Learning rate.</summary>
    public IReadOnlyList<double?> LearningRate => _rate;

    /// <summary>Tokens per second of wall time.</summary>
    public IReadOnlyList<double?> TokensPerSecond => _speed;

    /// <summary>Tokens of all steps together.</summary>
    public long Tokens { get; private set; }

    /// <summary>Wall time of all steps together.</summary>
    public TimeSpan Duration { get; private set; }

    /// <summary>Number of skipped steps.</summary>
    public long SkippedCount { get; private set; }

    internal void Add(long step, JsonElement record)
    {
        // A step that was made again after a crash stands in the file once more; the first is kept.
        if (_step.Count > 0 && step <= _step[^1])
            return;
        double ms = record.Number("ms") is { } time && double.IsFinite(time) && time > 0 ? time : 0;
        long tokens = record.Whole("tokens") ?? 0;
        bool skipped = record.Flag("skipped");
        _step.Add(step);
        _loss.Add(record.Number("loss"));
        _norm.Add(record.Number("norm"));
        _normAfter.Add(record.Number("normAfter"));
        _coefficient.Add(record.Number("coefficient"));
        _clipRate.Add(record.Number("clipRate"));
        _skipped.Add(skipped);
        _rate.Add(record.Number("lr"));
        _speed.Add(ms > 0 && tokens > 0 ? 1000 * tokens / ms : null);
        Tokens += tokens;
        Duration += TimeSpan.FromMilliseconds(Math.Min(ms, 1e12));
        SkippedCount += skipped ? 1 : 0;
    }

    /// <summary>Writes the columns, thinned when they are long.</summary>
    internal void WriteJson(Utf8JsonWriter json)
    {
        List<int> rows = RowsToShow();
        json.WriteStartArray("step");
        foreach (int row in rows)
            json.WriteNumberValue(_step[row]);
        json.WriteEndArray();
        (string Name, List<double?> Values)[] columns =
        [
            ("loss", _loss), ("norm", _norm), ("normAfter", _normAfter), ("coefficient", _coefficient),
            ("clipRate", _clipRate), ("lr", _rate), ("tokensPerSecond", _speed),
        ];
        foreach ((string name, List<double?> values) in columns)
            json.WriteShort(name, rows.Select(row => values[row]));
        json.WriteStartArray("skipped");
        foreach (int row in rows)
            json.WriteNumberValue(_skipped[row] ? 1 : 0);
        json.WriteEndArray();
    }

    /// <summary>The rows that a page shows: of each bucket of steps those with the smallest and the largest finite value of each noisy column,
    /// the first with a value that is not finite, and the first that was skipped; so no extreme and no NaN is lost.</summary>
    internal List<int> RowsToShow()
    {
        if (_step.Count <= UnthinnedRows)
            return [.. Enumerable.Range(0, _step.Count)];
        List<double?>[] noisy = [_loss, _norm, _coefficient, _speed];
        var rows = new SortedSet<int> { 0, _step.Count - 1 };
        double width = (_step[^1] - _step[0] + 1.0) / Buckets;
        for (int first = 0; first < _step.Count;)
        {
            long bucket = (long)((_step[first] - _step[0]) / width);
            int end = first + 1;
            while (end < _step.Count && (long)((_step[end] - _step[0]) / width) == bucket)
                end++;
            foreach (List<double?> column in noisy)
                AddExtremes(column, first, end, rows);
            int skipped = _skipped.IndexOf(true, first, end - first);
            if (skipped >= 0)
                rows.Add(skipped);
            first = end;
        }
        return [.. rows];
    }

    private static void AddExtremes(List<double?> column, int first, int end, SortedSet<int> rows)
    {
        int smallest = -1, largest = -1, wild = -1;
        for (int i = first; i < end; i++)
        {
            if (column[i] is not { } value)
                continue;
            if (!double.IsFinite(value))
            {
                wild = wild < 0 ? i : wild;
                continue;
            }
            smallest = smallest < 0 || value < column[smallest] ? i : smallest;
            largest = largest < 0 || value > column[largest] ? i : largest;
        }
        foreach (int row in (ReadOnlySpan<int>)[smallest, largest, wild])
            if (row >= 0)
                rows.Add(row);
    }
}
