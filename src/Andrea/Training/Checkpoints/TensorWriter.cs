using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Andrea.Tensors;

namespace Andrea.Training.Checkpoints;

/// <summary>Length and SHA-256 of a file, as the manifest records them.</summary>
/// <param name="Length">Length in bytes.</param>
/// <param name="Sha256">64 lower-case hexadecimal digits.</param>
internal sealed record FileDigest(long Length, string Sha256);

/// <summary>Streams bytes and tensors into a file through one buffer of 1 MiB, and meanwhile hashes them and looks for NaN and Inf.</summary>
/// <remarks>Does not own the stream. Waits for the device, tensor by tensor.</remarks>
internal sealed class TensorWriter(Stream stream) : IDisposable
{
    private readonly float[] _buffer = new float[1 << 18];
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _length;

    /// <summary>Whether every element written so far is a finite number.</summary>
    public bool AllFinite { get; private set; } = true;

    public void Write(ReadOnlySpan<byte> bytes)
    {
        stream.Write(bytes);
        _hash.AppendData(bytes);
        _length += bytes.Length;
    }

    /// <summary>Writes the elements of a tensor, little-endian, in order.</summary>
    public void Write(Tensor tensor)
    {
        for (long start = 0; start < tensor.Length; start += _buffer.Length)
        {
            Span<float> elements = _buffer.AsSpan(0, (int)Math.Min(_buffer.Length, tensor.Length - start));
            tensor.CopyTo(elements, start);
            AllFinite &= AreFinite(elements);
            Write(MemoryMarshal.AsBytes(elements));
        }
    }

    /// <summary>Writes the tensors of an arena in its order, without the padding between them.</summary>
    public void Write(ParameterArena arena)
    {
        for (int i = 0; i < arena.Count; i++)
            Write(arena[i]);
    }

    /// <summary>Length and hash of everything written.</summary>
    public FileDigest Finish() => new(_length, Convert.ToHexStringLower(_hash.GetHashAndReset()));

    public void Dispose() => _hash.Dispose();

    private static bool AreFinite(ReadOnlySpan<float> values)
    {
        foreach (float value in values)
            if (!float.IsFinite(value))
                return false;
        return true;
    }
}
