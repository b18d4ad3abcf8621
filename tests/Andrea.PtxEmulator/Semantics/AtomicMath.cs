namespace Andrea.PtxEmulator.Semantics;

/// <summary>Atomic operations: each gives the old value. The names are those of the PTX operations.</summary>
internal static unsafe class AtomicMath
{
    public static int Add32(byte* at, int value) => Swap((int*)at, unchecked(*(int*)at + value));

    public static long Add64(byte* at, long value) => Swap((long*)at, unchecked(*(long*)at + value));

    public static int MinS32(byte* at, int value) => Swap((int*)at, Math.Min(*(int*)at, value));

    public static int MaxS32(byte* at, int value) => Swap((int*)at, Math.Max(*(int*)at, value));

    public static int MinU32(byte* at, int value) => Swap((int*)at, (int)Math.Min(*(uint*)at, (uint)value));

    public static int MaxU32(byte* at, int value) => Swap((int*)at, (int)Math.Max(*(uint*)at, (uint)value));

    public static long MinS64(byte* at, long value) => Swap((long*)at, Math.Min(*(long*)at, value));

    public static long MaxS64(byte* at, long value) => Swap((long*)at, Math.Max(*(long*)at, value));

    public static long MinU64(byte* at, long value) => Swap((long*)at, (long)Math.Min(*(ulong*)at, (ulong)value));

    public static long MaxU64(byte* at, long value) => Swap((long*)at, (long)Math.Max(*(ulong*)at, (ulong)value));

    /// <summary>Counts up to the value, then from zero.</summary>
    public static int Inc32(byte* at, int value) => Swap((int*)at, *(uint*)at >= (uint)value ? 0 : *(int*)at + 1);

    /// <summary>Counts down from the value.</summary>
    public static int Dec32(byte* at, int value) => Swap((int*)at, *(uint*)at == 0 || *(uint*)at > (uint)value ? value : *(int*)at - 1);

    public static int Cas32(byte* at, int expected, int value) => Swap((int*)at, *(int*)at == expected ? value : *(int*)at);

    public static long Cas64(byte* at, long expected, long value) => Swap((long*)at, *(long*)at == expected ? value : *(long*)at);

    public static int Exch32(byte* at, int value) => Swap((int*)at, value);

    public static long Exch64(byte* at, long value) => Swap((long*)at, value);

    public static int And32(byte* at, int value) => Swap((int*)at, *(int*)at & value);

    public static long And64(byte* at, long value) => Swap((long*)at, *(long*)at & value);

    public static int Or32(byte* at, int value) => Swap((int*)at, *(int*)at | value);

    public static long Or64(byte* at, long value) => Swap((long*)at, *(long*)at | value);

    public static int Xor32(byte* at, int value) => Swap((int*)at, *(int*)at ^ value);

    public static long Xor64(byte* at, long value) => Swap((long*)at, *(long*)at ^ value);

    private static int Swap(int* at, int value)
    {
        int old = *at;
        *at = value;
        return old;
    }

    private static long Swap(long* at, long value)
    {
        long old = *at;
        *at = value;
        return old;
    }
}
