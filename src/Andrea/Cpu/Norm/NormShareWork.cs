using System.Runtime.Intrinsics;
using Andrea.Cpu.Simd;

namespace Andrea.Cpu.Norm;

/// <summary>Adds the blocks' shares of dWeight and dBias, block after block, in double; an index is 16 channels.</summary>
internal unsafe struct NormShareWork : IRangeWork
{
    /// <summary>(blocks, 2, PaddedChannels).</summary>
    public float* Shares;

    public float* DWeight;

    /// <summary>Null when there is none.</summary>
    public float* DBias;

    public int Blocks, Channels, PaddedChannels;

    public readonly void Run(long start, long end, int worker)
    {
        for (long group = start; group < end; group++)
        {
            long channel = group * SimdMath.Lanes;
            int count = (int)Math.Min(SimdMath.Lanes, Channels - channel);
            Add(Shares + channel, DWeight + channel, count);
            if (DBias != null)
                Add(Shares + PaddedChannels + channel, DBias + channel, count);
        }
    }

    private readonly void Add(float* share, float* target, int count)
    {
        (Vector512<double> lower, Vector512<double> upper) = Vector512.Widen(SimdMath.LoadFirst(target, count));
        for (int block = 0; block < Blocks; block++, share += 2L * PaddedChannels)
        {
            (Vector512<double> shareLower, Vector512<double> shareUpper) = Vector512.Widen(Vector512.Load(share));
            lower += shareLower;
            upper += shareUpper;
        }
        SimdMath.StoreFirst(Vector512.Narrow(lower, upper), target, count);
    }
}
