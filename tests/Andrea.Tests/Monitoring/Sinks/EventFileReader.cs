using System.Buffers.Binary;
using Andrea.Tests.Support;

namespace Andrea.Tests.Monitoring.Sinks;

/// <summary>Reads an event file as the published formats say: TFRecords whose masked CRC-32C is computed bit by bit, around Event messages.</summary>
internal static class EventFileReader
{
    // The Castagnoli polynomial, bits reversed.
    private const uint Polynomial = 0x82f63b78;

    /// <summary>The messages of a file; throws where a checksum is wrong. A record that is cut off ends the file, as for TensorBoard.</summary>
    public static List<ProtoFields> Read(byte[] file)
    {
        var events = new List<ProtoFields>();
        for (int at = 0; at + 12 <= file.Length;)
        {
            int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(at));
            Assert.Equal(Masked(file.AsSpan(at, 8)), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 8)));
            if (at + 16 + length > file.Length)
                break;
            Assert.Equal(Masked(file.AsSpan(at + 12, length)), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at + 12 + length)));
            events.Add(ProtoFields.Parse(file[(at + 12)..(at + 12 + length)]));
            at += 16 + length;
        }
        return events;
    }

    /// <summary>Scalars as (step, tag, value), in order.</summary>
    public static List<(long Step, string Tag, float Value)> Scalars(IEnumerable<ProtoFields> events) =>
    [
        .. from message in events
           where message.Has(5)
           from value in message.Message(5).Messages(1)
           where value.Has(2)
           select (message.Integer(2), value.Text(1), value.Float(2)),
    ];

    public static uint Checksum(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in data)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) != 0 ? (crc >> 1) ^ Polynomial : crc >> 1;
        }
        return ~crc;
    }

    private static uint Masked(ReadOnlySpan<byte> data)
    {
        uint crc = Checksum(data);
        return ((crc >> 15) | (crc << 17)) + 0xa282ead8;
    }
}
