using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;
using Andrea.Tensors;

namespace Andrea.Training.Checkpoints;

/// <summary>The header of a safetensors file: an 8-byte little-endian length, then that much JSON, padded with spaces to a multiple of
/// 8.</summary>
/// <remarks>Source: the format section of https://github.com/huggingface/safetensors. Andrea reads and writes dtype F32 only, and reads
/// strictly: no duplicate names, no unknown fields, and the tensors must cover the data without a hole or an overlap.</remarks>
internal static class SafetensorsHeader
{
    /// <summary>Bytes of the length field.</summary>
    public const int PrefixLength = 8;

    /// <summary>Longest header accepted, as in the format's reference implementation.</summary>
    public const int MaxLength = 100_000_000;

    private const string MetadataName = "__metadata__";
    private const string DataType = "F32";

    /// <summary>Length field and header of a file with these tensors in this order.</summary>
    public static byte[] Build(IReadOnlyList<TensorGroup> groups, IReadOnlyDictionary<string, string>? metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        buffer.Write(new byte[PrefixLength]);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            WriteMetadata(json, metadata);
            long offset = 0;
            foreach ((string prefix, ParameterArena arena) in groups)
                for (int i = 0; i < arena.Count; i++)
                    offset = WriteEntry(json, prefix + arena.NameOf(i), arena.ShapeOf(i), offset);
            json.WriteEndObject();
        }
        // The data then begin at a multiple of 8, so that they can be mapped into memory as they are.
        int length = (buffer.WrittenCount + 7) / 8 * 8;
        var header = new byte[length];
        header.AsSpan(buffer.WrittenCount).Fill((byte)' ');
        buffer.WrittenSpan.CopyTo(header);
        BinaryPrimitives.WriteInt64LittleEndian(header, length - PrefixLength);
        return header;
    }

    /// <summary>Reads and checks the header; leaves the stream at the first byte of the data.</summary>
    /// <returns>The tensors in the order of their data.</returns>
    /// <exception cref="CheckpointFormatException">The header is not one, or does not fit the file's length.</exception>
    public static IReadOnlyList<SafetensorsEntry> Read(Stream stream, string path)
    {
        byte[] json = ReadJson(stream, path);
        List<SafetensorsEntry> entries;
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
            entries = ParseEntries(document.RootElement, path);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw Refuse(path, $"its header is no valid JSON ({exception.Message.TrimEnd('.')})", exception);
        }
        // An empty tensor shares its begin with the tensor after it and must come first.
        entries.Sort((a, b) => (a.Begin, a.End).CompareTo((b.Begin, b.End)));
        CheckCoverage(entries, stream.Length - stream.Position, path);
        return entries;
    }

    private static void WriteMetadata(Utf8JsonWriter json, IReadOnlyDictionary<string, string>? metadata)
    {
        if (metadata is null)
            return;
        json.WriteStartObject(MetadataName);
        foreach ((string key, string value) in metadata)
            json.WriteString(key, value);
        json.WriteEndObject();
    }

    private static long WriteEntry(Utf8JsonWriter json, string name, TensorShape shape, long offset)
    {
        long end = checked(offset + shape.Length * sizeof(float));
        json.WriteStartObject(name);
        json.WriteString("dtype", DataType);
        json.WriteStartArray("shape");
        for (int i = 0; i < shape.Rank; i++)
            json.WriteNumberValue(shape[i]);
        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(offset);
        json.WriteNumberValue(end);
        json.WriteEndArray();
        json.WriteEndObject();
        return end;
    }

    private static byte[] ReadJson(Stream stream, string path)
    {
        long fileLength = stream.Length;
        Span<byte> prefix = stackalloc byte[PrefixLength];
        if (fileLength < PrefixLength)
            throw Refuse(path, $"it has {fileLength} bytes and so not even the {PrefixLength} of a header's length");
        stream.ReadExactly(prefix);
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(prefix);
        if (length > MaxLength)
            throw Refuse(path, $"its header would have {length} bytes, and {MaxLength} is the most allowed");
        if (length > (ulong)(fileLength - PrefixLength))
            throw Refuse(path, $"its header would have {length} bytes, but only {fileLength - PrefixLength} follow: it is cut off");
        var json = new byte[length];
        stream.ReadExactly(json);
        if (length == 0 || json[0] != '{')
            throw Refuse(path, "its header does not begin with '{'");
        return json;
    }

    private static List<SafetensorsEntry> ParseEntries(JsonElement root, string path)
    {
        var entries = new List<SafetensorsEntry>();
        foreach (JsonProperty property in root.EnumerateObject())
        {
            if (property.Name == MetadataName)
                CheckMetadata(property.Value, path);
            else
                entries.Add(ParseEntry(property.Name, property.Value, path));
        }
        return entries;
    }

    private static void CheckMetadata(JsonElement metadata, string path)
    {
        if (metadata.ValueKind != JsonValueKind.Object || metadata.EnumerateObject().Any(item => item.Value.ValueKind != JsonValueKind.String))
            throw Refuse(path, $"its {MetadataName} is no object of strings");
    }

    private static SafetensorsEntry ParseEntry(string name, JsonElement description, string path)
    {
        string? dataType = null;
        long[]? shape = null, offsets = null;
        if (description.ValueKind != JsonValueKind.Object)
            throw Refuse(path, $"the description of tensor '{name}' is no object");
        foreach (JsonProperty field in description.EnumerateObject())
        {
            if (field.NameEquals("dtype"))
                dataType = field.Value.GetString();
            else if (field.NameEquals("shape"))
                shape = ParseSizes(field.Value);
            else if (field.NameEquals("data_offsets"))
                offsets = ParseSizes(field.Value);
            else
                throw Refuse(path, $"the description of tensor '{name}' has an unknown field '{field.Name}'");
        }
        if (dataType is null || shape is null || offsets is not { Length: 2 })
            throw Refuse(path, $"the description of tensor '{name}' lacks a valid dtype, shape or data_offsets");
        if (dataType != DataType)
            throw new CheckpointFormatException(
                $"Tensor '{name}' of '{path}' has dtype {dataType}; Andrea reads {DataType} (float32) only. Convert the file to float32.");
        var entry = new SafetensorsEntry(name, shape, offsets[0], offsets[1]);
        if (entry.End < entry.Begin || !HasLength(entry, entry.End - entry.Begin))
            throw Refuse(path, $"tensor '{name}' of shape {entry.ShapeText} lies at bytes {entry.Begin} to {entry.End}, which is not what it takes");
        return entry;
    }

    /// <summary>The non-negative integers of an array, or null.</summary>
    private static long[]? ParseSizes(JsonElement array)
    {
        if (array.ValueKind != JsonValueKind.Array)
            return null;
        var sizes = new long[array.GetArrayLength()];
        int count = 0;
        foreach (JsonElement item in array.EnumerateArray())
            if (item.ValueKind != JsonValueKind.Number || !item.TryGetInt64(out sizes[count++]) || sizes[count - 1] < 0)
                return null;
        return sizes;
    }

    private static bool HasLength(SafetensorsEntry entry, long lengthBytes)
    {
        if (entry.Shape.Contains(0))
            return lengthBytes == 0;
        // Int128 holds the product of any long and a bounded factor, so a hostile shape cannot wrap around.
        Int128 product = sizeof(float);
        foreach (long size in entry.Shape)
            if ((product *= size) > long.MaxValue)
                return false;
        return product == lengthBytes;
    }

    private static void CheckCoverage(List<SafetensorsEntry> entries, long dataLength, string path)
    {
        long position = 0;
        foreach (SafetensorsEntry entry in entries)
        {
            if (entry.Begin != position)
                throw Refuse(
                    path, $"tensor '{entry.Name}' begins at byte {entry.Begin} of the data, not at {position}: tensors overlap or leave a hole");
            position = entry.End;
        }
        if (position != dataLength)
            throw Refuse(path, $"its tensors take {position} bytes and {dataLength} follow the header: it is cut off, or has bytes too many");
    }

    private static CheckpointFormatException Refuse(string path, string finding, Exception? cause = null) =>
        new($"'{path}' is no intact safetensors file: {finding}. Take another copy or another checkpoint.", cause);
}
