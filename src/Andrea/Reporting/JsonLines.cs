using System.Text.Json;

namespace Andrea.Reporting;

/// <summary>Reads a file of JSON lines as it was left, even by a crash or a full disk, or while another process is still writing it.</summary>
internal static class JsonLines
{
    private const int BufferBytes = 1 << 16;

    /// <summary>A line that is so many steps beyond the one before is no record of the run: it would stretch every axis.</summary>
    private const long FarthestStep = 1_000_000;

    /// <summary>Hands over every line that is a JSON object with a whole <c>step</c>.</summary>
    /// <param name="path">The file; need not exist.</param>
    /// <param name="take">Receives step and object; the object is valid during the call.</param>
    /// <returns>How many bytes of complete lines there were, and how many lines were no records, such as one cut off in its middle.</returns>
    /// <exception cref="IOException">The file exists but cannot be read.</exception>
    public static (long Bytes, int ForeignLines) Read(string path, Action<long, JsonElement> take)
    {
        if (!File.Exists(path))
            return (0, 0);
        using var file = new FileStream(
            path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0, FileOptions.SequentialScan);
        byte[] buffer = new byte[BufferBytes];
        int filled = 0, foreign = 0;
        long bytes = 0;
        long? last = null;
        while (true)
        {
            if (filled == buffer.Length)
                Array.Resize(ref buffer, 2 * buffer.Length);
            int read = file.Read(buffer, filled, buffer.Length - filled);
            filled += read;
            int start = 0;
            for (int length; (length = buffer.AsSpan(start, filled - start).IndexOf((byte)'\n')) >= 0; start += length + 1)
                foreign += Take(buffer.AsMemory(start, length), ref last, take) ? 0 : 1;
            bytes += start;
            buffer.AsSpan(start, filled - start).CopyTo(buffer);
            filled -= start;
            if (read == 0)
                break;
        }
        // The last line may be whole although its end is not written yet.
        foreign += Take(buffer.AsMemory(0, filled), ref last, take) ? 0 : 1;
        return (bytes, foreign);
    }

    /// <returns>False for what is neither a record nor empty.</returns>
    private static bool Take(ReadOnlyMemory<byte> line, ref long? last, Action<long, JsonElement> take)
    {
        if (line.Span.Trim(" \t\r"u8).IsEmpty)
            return true;
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            if (document.RootElement.ValueKind != JsonValueKind.Object || document.RootElement.Whole("step") is not { } step)
                return false;
            if (last is { } before && step - before > FarthestStep)
                return false;
            last = step;
            take(step, document.RootElement);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
