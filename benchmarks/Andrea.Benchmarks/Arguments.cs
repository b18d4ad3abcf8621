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

    /// <summary>Takes a whole number from 1 to <paramref name="largest"/>.</summary>
    public int Number(string name, int byDefault, int largest = int.MaxValue)
    {
        if (!_values.Remove(name, out string? text))
            return byDefault;
        return int.TryParse(text, CultureInfo.InvariantCulture, out int number) && number > 0 && number <= largest
            ? number
            : throw new ArgumentException($"{name} is '{text}'; expected a whole number from 1 to {largest}.");
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
