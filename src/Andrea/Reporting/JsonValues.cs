using System.Globalization;
using System.Text.Json;

namespace Andrea.Reporting;

/// <summary>Values of Andrea's JSON, where NaN and Inf are strings, null is a value that was not measured, and anything may be missing.</summary>
internal static class JsonValues
{
    /// <summary>A number, also one that is not finite; null when it is missing or no number.</summary>
    public static double? Number(this JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) ? value.Number() : null;

    /// <summary>The element as a number, also one that is not finite; null when it is none.</summary>
    public static double? Number(this JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Number when element.TryGetDouble(out double value) => value,
        JsonValueKind.String => element.GetString() switch
        {
            "NaN" => double.NaN,
            "Infinity" => double.PositiveInfinity,
            "-Infinity" => double.NegativeInfinity,
            _ => null,
        },
        _ => null,
    };

    /// <summary>A whole number; null when it is missing or none.</summary>
    public static long? Whole(this JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long whole) ? whole : null;

    /// <summary>A text; null when it is missing or none.</summary>
    public static string? Text(this JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>Whether the property is there and true.</summary>
    public static bool Flag(this JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.True;

    /// <summary>The items of an array; none when it is missing.</summary>
    public static IEnumerable<JsonElement> Items(this JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : [];

    /// <summary>Writes a number to 6 significant digits, which is more than a screen can show; NaN and Inf as strings.</summary>
    public static void WriteShort(this Utf8JsonWriter json, double? value)
    {
        if (value is not { } number)
            json.WriteNullValue();
        else if (double.IsFinite(number))
            json.WriteRawValue(number.ToString("G6", CultureInfo.InvariantCulture), skipInputValidation: true);
        else
            json.WriteStringValue(number.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Writes an array of numbers as <see cref="WriteShort(Utf8JsonWriter, double?)"/> does each.</summary>
    public static void WriteShort(this Utf8JsonWriter json, string name, IEnumerable<double?> values)
    {
        json.WriteStartArray(name);
        foreach (double? value in values)
            json.WriteShort(value);
        json.WriteEndArray();
    }
}
