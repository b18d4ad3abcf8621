namespace Andrea.Tests.Golden;

/// <summary>The inputs of the golden files, computed here and in golden_files.py by the same exact steps: no file must hold them.</summary>
public static class GoldenFormula
{
    /// <summary>float32 values in [offset - scale / 2, offset + scale / 2): computed in double, rounded once.</summary>
    public static float[] Uniform(ulong seed, long length, double scale, double offset)
    {
        var values = new float[length];
        for (long i = 0; i < length; i++)
            values[i] = (float)((RandomBits(seed, (ulong)i) / (double)(1 << 24) - 0.5) * scale + offset);
        return values;
    }

    /// <summary>24 random bits: SplitMix64 (Steele, Lea, Flood 2014), its state a function of seed and index.</summary>
    private static ulong RandomBits(ulong seed, ulong index)
    {
        ulong z = seed + (index + 1) * 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return (z ^ (z >> 31)) >> 40;
    }
}
