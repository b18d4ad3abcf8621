using System.Runtime.InteropServices;

namespace Andrea.Tensors;

/// <summary>One row of a chunk table: at most <see cref="MaxLength"/> neighbouring elements of one tensor, the unit of work of clipping and AdamW.</summary>
/// <remarks>Host and device share this layout. Addresses that an operation does not use are 0.</remarks>
[StructLayout(LayoutKind.Sequential)]
internal struct Chunk
{
    /// <summary>Elements of a full chunk. Sums are taken chunk by chunk, so this number is part of the result's bits.</summary>
    public const int MaxLength = 65_536;

    /// <summary>Elements of a strip, eight of which make a full chunk: what a warp sums. Part of the result's bits, too.</summary>
    public const int StripLength = MaxLength / 8;

    public nint Gradient;
    public nint Parameter;
    public nint FirstMoment;
    public nint SecondMoment;

    /// <summary>Index within the tensor of the chunk's first element.</summary>
    public long Start;

    /// <summary>Number of elements, 1 to <see cref="MaxLength"/>; 0 while the tensor is not there, and then no address is used.</summary>
    public int Length;

    /// <summary>Index of the tensor.</summary>
    public int Tensor;
}
