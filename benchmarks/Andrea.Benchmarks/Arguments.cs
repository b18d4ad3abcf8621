using System.Globalization;

namespace Andrea.Benchmarks;

/// <summary>A verb's options, each a name and a value.</summary>
internal sealed class Arguments
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    /// <exception cref="ArgumentException">An option has no value.</exception>
    public Arguments(ReadOnlySpan<string> arguments)
    {
        for (int i = 0; i < arguments.Length; i += 2)
            _values[arguments[i]] = i + 1 < arguments.Length ? arguments[i + 1] : throw new ArgumentException($"{arguments[i]} needs a value.");
    }

    /// <summary>Takes a whole number above 0.</summary>
    public int Number(string name, int byDefault)
    {
        if (!_values.Remove(name, out string? text))
            return byDefault;
        return int.TryParse(text, CultureInfo.InvariantCulture, out int number) && number > 0
            ? number
            : throw new ArgumentException($"{name} is '{text}'; expected a whole number above 0.");
    }

    /// <summary>Takes a text.</summary>
    public string Text(string name, string byDefault) => _values.Remove(name, out string? text) ? text : byDefault;

    /// <exception cref="ArgumentException">An option was given that nobody took.</exception>
    public void ThrowIfUnknown()
    {
        if (_values.Count > 0)
            throw new ArgumentException($"There is no option {_values.Keys.First()}.");
    }
}
