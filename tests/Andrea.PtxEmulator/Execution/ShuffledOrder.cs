namespace Andrea.PtxEmulator.Execution;

/// <summary>Permutations that depend on a seed alone.</summary>
internal static class ShuffledOrder
{
    /// <summary>0 to count - 1; shuffled unless the seed is 0.</summary>
    public static int[] Of(int count, ulong seed)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        ulong state = seed;
        for (int i = count - 1; seed != 0 && i > 0; i--)
        {
            int other = (int)(Next(ref state) % (ulong)(i + 1));
            (order[i], order[other]) = (order[other], order[i]);
        }
        return order;
    }

    /// <summary>A seed for a part of what a seed stands for.</summary>
    public static ulong Derive(ulong seed, ulong part)
    {
        ulong state = seed + part * 0x9e3779b97f4a7c15UL;
        return seed == 0 ? 0 : Next(ref state) | 1;
    }

    /// <summary>SplitMix64.</summary>
    private static ulong Next(ref ulong state)
    {
        ulong z = state += 0x9e3779b97f4a7c15UL;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9UL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebUL;
        return z ^ (z >> 31);
    }
}
