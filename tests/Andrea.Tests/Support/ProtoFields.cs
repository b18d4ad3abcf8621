using System.Text;
using Google.Protobuf;

namespace Andrea.Tests.Support;

/// <summary>The fields of a protocol-buffers message by number, read with Google's library; nothing of Andrea's is in it.</summary>
internal sealed class ProtoFields
{
    private readonly Dictionary<int, List<object>> _fields = [];

    public static ProtoFields Parse(byte[] message)
    {
        var fields = new ProtoFields();
        var input = new CodedInputStream(message);
        while (input.ReadTag() is var tag and not 0)
        {
            int number = WireFormat.GetTagFieldNumber(tag);
            object value = WireFormat.GetTagWireType(tag) switch
            {
                WireFormat.WireType.Varint => input.ReadUInt64(),
                WireFormat.WireType.Fixed64 => input.ReadFixed64(),
                WireFormat.WireType.LengthDelimited => input.ReadBytes().ToByteArray(),
                WireFormat.WireType.Fixed32 => input.ReadFixed32(),
                var other => throw new InvalidDataException($"wire type {other}"),
            };
            if (!fields._fields.TryGetValue(number, out List<object>? values))
                fields._fields[number] = values = [];
            values.Add(value);
        }
        return fields;
    }

    public bool Has(int field) => _fields.ContainsKey(field);

    public long Integer(int field) => (long)(ulong)_fields[field].Single();

    public double Double(int field) => BitConverter.UInt64BitsToDouble((ulong)_fields[field].Single());

    public long Fixed64(int field) => (long)(ulong)_fields[field].Single();

    public float Float(int field) => BitConverter.UInt32BitsToSingle((uint)_fields[field].Single());

    public string Text(int field) => Encoding.UTF8.GetString((byte[])_fields[field].Single());

    public ProtoFields Message(int field) => Parse((byte[])_fields[field].Single());

    public IEnumerable<ProtoFields> Messages(int field) =>
        _fields.TryGetValue(field, out List<object>? values) ? values.Select(value => Parse((byte[])value)) : [];
}
