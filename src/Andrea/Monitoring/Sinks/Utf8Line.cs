using System.Buffers;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace Andrea.Monitoring.Sinks;

/// <summary>Composes a line of text in memory that is used again for the next. Numbers as on every machine, whatever its language.</summary>
internal sealed class Utf8Line
{
    private const int LongestNumber = 400;

    private readonly ArrayBufferWriter<byte> _bytes = new(512);

    public ReadOnlySpan<byte> Written => _bytes.WrittenSpan;

    public Utf8Line Clear()
    {
        _bytes.ResetWrittenCount();
        return this;
    }

    public Utf8Line Add(ReadOnlySpan<byte> text)
    {
        _bytes.Write(text);
        return this;
    }

    public Utf8Line Add(string text)
    {
        int count = Encoding.UTF8.GetBytes(text, _bytes.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length)));
        _bytes.Advance(count);
        return this;
    }

    /// <param name="value">The number.</param>
    /// <param name="format">A standard format; empty for the shortest text that gives the same number again.</param>
    public Utf8Line Add<T>(T value, ReadOnlySpan<char> format = default)
        where T : INumber<T>
    {
        // F writes up to 309 digits before the point.
        value.TryFormat(_bytes.GetSpan(LongestNumber), out int count, format, CultureInfo.InvariantCulture);
        _bytes.Advance(count);
        return this;
    }
}
