using Andrea.Numerics;
using Andrea.Tensors;

namespace Andrea.Benchmarks;

/// <summary>Data to compute with.</summary>
internal static class RandomFill
{
    private const int BlockLength = 1 << 20;

    /// <summary>One block of normal numbers again and again: as good as random for timing, and quick to make.</summary>
    public static void Normal(ParameterArena arena, ulong seed, float scale)
    {
        var random = new Philox(seed);
        var block = new float[Math.Min(BlockLength, arena.Flat.Length)];
        foreach (ref float value in block.AsSpan())
            value = (float)random.NextNormal() * scale;
        for (int tensor = 0; tensor < arena.Count; tensor++)
        {
            Tensor target = arena[tensor];
            for (long start = 0; start < target.Length; start += block.Length)
                target.CopyFrom(block.AsSpan(0, (int)Math.Min(block.Length, target.Length - start)), start);
        }
    }

    /// <summary>Uniform numbers from 0 up to <paramref name="limit"/> - 1.</summary>
    public static int[] Tokens(int count, int limit, ulong seed)
    {
        var random = new Philox(seed);
        var tokens = new int[count];
        foreach (ref int token in tokens.AsSpan())
            token = random.NextInt32(limit);
        return tokens;
    }
}
