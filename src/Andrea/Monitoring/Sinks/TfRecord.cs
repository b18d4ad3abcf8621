using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;

namespace Andrea.Monitoring.Sinks;

/// <summary>Frames data as TFRecords: length (8 bytes, little-endian), checksum of the length (4), data, checksum of the data (4).</summary>
internal sealed class TfRecord
{
    private const int HeaderBytes = sizeof(ulong) + sizeof(uint);
    private const uint MaskDelta = 0xa282ead8;

    private readonly ArrayBufferWriter<byte> _frame = new(1024);

    /// <summary>The data in its frame; valid until the next call.</summary>
    public ReadOnlySpan<byte> Frame(ReadOnlySpan<byte> data)
    {
        _frame.ResetWrittenCount();
        Span<byte> frame = _frame.GetSpan(HeaderBytes + data.Length + sizeof(uint));
        BinaryPrimitives.WriteUInt64LittleEndian(frame, (ulong)data.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[sizeof(ulong)..], MaskedChecksum(frame[..sizeof(ulong)]));
        data.CopyTo(frame[HeaderBytes..]);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[(HeaderBytes + data.Length)..], MaskedChecksum(data));
        _frame.Advance(HeaderBytes + data.Length + sizeof(uint));
        return _frame.WrittenSpan;
    }

    /// <summary>CRC-32C (Castagnoli), RFC 3720 appendix B.4.</summary>
    internal static uint Checksum(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        for (; data.Length >= sizeof(ulong); data = data[sizeof(ulong)..])
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(data));
        foreach (byte value in data)
            crc = BitOperations.Crc32C(crc, value);
        return ~crc;
    }

    /// <summary>The checksum, changed so that the checksum of data which holds checksums stays a good one.</summary>
    private static uint MaskedChecksum(ReadOnlySpan<byte> data) => BitOperations.RotateRight(Checksum(data), 15) + MaskDelta;
}
