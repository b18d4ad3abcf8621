using System.Diagnostics;

namespace Andrea.Cpu.MatMul;

/// <summary>One factor of a product, seen as lanes: the rows of the left factor, or the columns of the right one, each a run over k.</summary>
/// <remarks>Which of the two indices lies contiguous in memory is all that tells A B^T, A B and A^T B apart.</remarks>
internal readonly unsafe struct Operand
{
    private Operand(float* data, long lanes, long laneStride, long depthStride)
    {
        Debug.Assert(laneStride == 1 || depthStride == 1, "one index must be contiguous");
        Data = data;
        Lanes = lanes;
        LaneStride = laneStride;
        DepthStride = depthStride;
    }

    public readonly float* Data;

    /// <summary>Number of lanes.</summary>
    public readonly long Lanes;

    /// <summary>Elements from one lane to the next at the same k.</summary>
    public readonly long LaneStride;

    /// <summary>Elements from one k to the next in the same lane.</summary>
    public readonly long DepthStride;

    /// <summary>A matrix (lanes, depth) in row-major order.</summary>
    public static Operand LaneByDepth(nint address, long lanes, long depth) => new((float*)address, lanes, depth, 1);

    /// <summary>A matrix (depth, lanes) in row-major order.</summary>
    public static Operand DepthByLane(nint address, long lanes) => new((float*)address, lanes, 1, lanes);
}
