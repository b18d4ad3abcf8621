using System.Text.Json;
using Andrea.Monitoring;

namespace Andrea.Reporting;

/// <summary>What gradients.jsonl says of each tensor, binned for a page.</summary>
internal sealed class GradientSeries
{
    private readonly List<MonitoredTensor> _tensors = [];
    private readonly Dictionary<string, int> _placeOfTensor = [];
    private readonly Dictionary<string, int> _placeOfGroup = [];
    private readonly List<(string Name, int? Depth)> _groups = [];
    private readonly BinnedRows _gradients = new("norm", "max", "nonFinite");
    private readonly BinnedRows _updates = new("ratio", "rms", "vRatio", "group");

    /// <summary>Place of each of the header's tensors among all; null before the first header.</summary>
    private int[]? _places;

    public IReadOnlyList<MonitoredTensor> Tensors => _tensors;

    /// <summary>Number of records.</summary>
    public long Count { get; private set; }

    public void Add(long step, JsonElement record)
    {
        if (record.TryGetProperty("tensors", out _))
        {
            ReadHeader(record);
            return;
        }
        if (_places is null || step <= _gradients.LastStep || !record.TryGetProperty("norm", out _))
            return;
        Count++;
        double?[] norms = Spread(record, "norm", missing: null);
        _gradients.Add(step, [norms, Spread(record, "max", missing: null), Spread(record, "nonFinite", missing: 0)]);
        if (record.TryGetProperty("update", out _))
            AddUpdates(step, record);
    }

    public void WriteJson(Utf8JsonWriter json)
    {
        json.WriteStartObject("tensors");
        WriteTexts(json, "names", _tensors.Select(tensor => tensor.Name));
        json.WriteStartArray("lengths");
        foreach (MonitoredTensor tensor in _tensors)
            json.WriteNumberValue(tensor.Length);
        json.WriteEndArray();
        json.WriteShort("depths", _tensors.Select(tensor => (double?)tensor.Depth));
        WriteTexts(json, "groups", _groups.Select(group => group.Name));
        json.WriteShort("groupDepths", _groups.Select(group => (double?)group.Depth));
        // With it, whoever follows the file knows the order of the lines to come.
        if (_places is not null)
            json.WriteShort("header", _places.Select(place => (double?)place));
        json.WriteEndObject();
        json.WriteStartObject("gradients");
        _gradients.WriteJson(json);
        json.WriteEndObject();
        json.WriteStartObject("updates");
        _updates.WriteJson(json);
        json.WriteEndObject();
    }

    private void ReadHeader(JsonElement header)
    {
        string[] names = [.. header.Items("tensors").Select(name => name.ValueKind == JsonValueKind.String ? name.GetString()! : "?")];
        double?[] lengths = [.. header.Items("lengths").Select(JsonValues.Number)];
        double?[] depths = [.. header.Items("depths").Select(JsonValues.Number)];
        _places = new int[names.Length];
        for (int i = 0; i < names.Length; i++)
        {
            if (!_placeOfTensor.TryGetValue(names[i], out int place))
            {
                _placeOfTensor[names[i]] = place = _tensors.Count;
                int? depth = depths.ElementAtOrDefault(i) is >= 0 and < int.MaxValue and { } known ? (int)known : null;
                long length = lengths.ElementAtOrDefault(i) is >= 0 and < 1e18 and { } count ? (long)count : 0;
                _tensors.Add(new MonitoredTensor(names[i], length, depth));
                string group = GroupOf(_tensors[place]);
                if (_placeOfGroup.TryAdd(group, _groups.Count))
                    _groups.Add((group, depth));
            }
            _places[i] = place;
        }
    }

    /// <summary>A block's tensors are one group; what belongs to no block is a group of its own.</summary>
    private static string GroupOf(MonitoredTensor tensor) => tensor.Depth is { } depth ? $"block {depth}" : tensor.Name;

    private void AddUpdates(long step, JsonElement record)
    {
        double?[] weights = Spread(record, "weight", missing: null), updates = Spread(record, "update", missing: null);
        double?[] ratios = [.. weights.Zip(updates, Ratio)];
        // A group's norm is the root of the sum of its tensors' squares.
        var squares = new (double? Weight, double? Update)[_groups.Count];
        for (int i = 0; i < _tensors.Count; i++)
        {
            if (weights[i] is not { } weight || updates[i] is not { } update)
                continue;
            ref (double? Weight, double? Update) group = ref squares[_placeOfGroup[GroupOf(_tensors[i])]];
            group = ((group.Weight ?? 0) + weight * weight, (group.Update ?? 0) + update * update);
        }
        double?[] groups = [.. squares.Select(group => Ratio(Root(group.Weight), Root(group.Update)))];
        _updates.Add(step, [ratios, Spread(record, "rms", missing: null), Spread(record, "vRatio", missing: null), groups]);
    }

    private static double? Root(double? square) => square is { } value ? Math.Sqrt(value) : null;

    /// <summary>None where the weights are all 0, which has no meaning.</summary>
    private static double? Ratio(double? weight, double? update) => weight is 0 ? null : update / weight;

    /// <summary>An array of the file, in the order of all tensors.</summary>
    private double?[] Spread(JsonElement record, string name, double? missing)
    {
        double?[] values = new double?[_tensors.Count];
        if (missing is not null)
            foreach (int place in _places!)
                values[place] = missing;
        int i = 0;
        foreach (JsonElement item in record.Items(name).Take(_places!.Length))
            values[_places[i++]] = item.Number();
        return values;
    }

    private static void WriteTexts(Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (string text in texts)
            json.WriteStringValue(text);
        json.WriteEndArray();
    }
}
