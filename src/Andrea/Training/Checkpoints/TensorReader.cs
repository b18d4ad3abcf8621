using System.Runtime.InteropServices;
using Andrea.Tensors;

namespace Andrea.Training.Checkpoints;

/// <summary>Streams the bytes of an open file into tensors through one buffer of 1 MiB.</summary>
internal sealed class TensorReader(Stream stream)
{
    private readonly float[] _buffer = new float[1 << 18];

    /// <summary>Overwrites a tensor with the file's next elements.</summary>
    /// <exception cref="EndOfStreamException">The file became shorter since its length was checked.</exception>
    public void Read(Tensor tensor)
    {
        for (long start = 0; start < tensor.Length; start += _buffer.Length)
        {
            Span<float> elements = _buffer.AsSpan(0, (int)Math.Min(_buffer.Length, tensor.Length - start));
            stream.ReadExactly(MemoryMarshal.AsBytes(elements));
            tensor.CopyFrom(elements, start);
        }
    }
}
