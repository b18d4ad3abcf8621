using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace Andrea.Monitoring.Sinks;

/// <summary>Appends JSON objects to a file, one a line, each with its step first. Allocates nothing for numbers.</summary>
internal sealed class JsonLines(object owner, string path, int flushEvery) : IDisposable
{
    private readonly AppendedFile _file = new(owner, path, flushEvery);
    private readonly ArrayBufferWriter<byte> _line = new(1024);
    private readonly Utf8JsonWriter _json = new(Stream.Null);
    private bool _isClosed;

    /// <summary>Writes the line that is under way.</summary>
    public Utf8JsonWriter Json => _json;

    public void Begin(long step)
    {
        ObjectDisposedException.ThrowIf(_isClosed, owner);
        _line.ResetWrittenCount();
        _json.Reset(_line);
        _json.WriteStartObject();
        _json.WriteNumber("step", step);
    }

    /// <summary>A number in full; NaN and Inf as strings, since JSON has no such numbers.</summary>
    public void Number(string name, double value)
    {
        if (double.IsFinite(value))
            _json.WriteNumber(name, value);
        else
            _json.WriteString(name, TextOf(value));
    }

    /// <summary>An element of an array, with 5 significant digits.</summary>
    public void ShortNumber(double value)
    {
        if (!double.IsFinite(value))
        {
            _json.WriteStringValue(TextOf(value));
            return;
        }
        Span<byte> text = stackalloc byte[32];
        bool fits = value.TryFormat(text, out int length, "G5", CultureInfo.InvariantCulture);
        System.Diagnostics.Debug.Assert(fits, "five digits, sign, point and exponent fit 32 bytes");
        // What G writes, such as 1.5E-05, is a JSON number.
        _json.WriteRawValue(text[..length], skipInputValidation: true);
    }

    public void End(bool flush = false)
    {
        _json.WriteEndObject();
        _json.Flush();
        _line.Write("\n"u8);
        _file.Write(_line.WrittenSpan, flush);
    }

    public void Flush() => _file.Flush();

    /// <summary>Drops the lines of later steps and what is no record, such as a line cut off by a crash.</summary>
    public void DropAfter(long step) => _file.KeepLines(line => StepOf(line) is { } lineStep && lineStep <= step, keepUnended: true);

    public void Dispose()
    {
        _isClosed = true;
        _json.Dispose();
        _file.Dispose();
    }

    public override string ToString() => _file.Path;

    private static string TextOf(double value) => value.ToString(CultureInfo.InvariantCulture);

    private static long? StepOf(string line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            return document.RootElement.ValueKind == JsonValueKind.Object
                && document.RootElement.TryGetProperty("step", out JsonElement step)
                && step.ValueKind == JsonValueKind.Number
                && step.TryGetInt64(out long value) ? value : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
