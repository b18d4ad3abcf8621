using System.Numerics;
using System.Runtime.CompilerServices;

namespace Andrea.PtxEmulator.Semantics;

/// <summary>Shifts, fields, permutations and logic over bits.</summary>
internal static class BitMath
{
    /// <summary>Shifts by more than the width give zero, or the sign.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int ShiftLeft32(int a, int amount) => (uint)amount > 31 ? 0 : a << amount;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long ShiftLeft64(long a, int amount) => (uint)amount > 63 ? 0 : a << amount;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int ShiftRightU32(int a, int amount) => (uint)amount > 31 ? 0 : a >>> amount;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long ShiftRightU64(long a, int amount) => (uint)amount > 63 ? 0 : a >>> amount;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int ShiftRightS32(int a, int amount) => a >> (int)Math.Min((uint)amount, 31);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long ShiftRightS64(long a, int amount) => a >> (int)Math.Min((uint)amount, 63);

    /// <summary>The upper word of (high:low) shifted left.</summary>
    public static int FunnelLeft(int low, int high, int amount, bool wrap)
    {
        int n = wrap ? amount & 31 : (int)Math.Min((uint)amount, 32);
        return (int)((Pair(low, high) << n) >> 32);
    }

    /// <summary>The lower word of (high:low) shifted right.</summary>
    public static int FunnelRight(int low, int high, int amount, bool wrap)
    {
        int n = wrap ? amount & 31 : (int)Math.Min((uint)amount, 32);
        return (int)(Pair(low, high) >> n);
    }

    public static int Reverse32(int a)
    {
        uint result = 0;
        for (int i = 0; i < 32; i++)
            result |= (((uint)a >> i) & 1) << (31 - i);
        return (int)result;
    }

    public static long Reverse64(long a) => (long)(((ulong)(uint)Reverse32((int)a) << 32) | (uint)Reverse32((int)(a >> 32)));

    /// <summary>The position of the highest bit that differs from the sign; -1 when there is none.</summary>
    public static int FindU32(int a, bool shiftAmount) => Found(a == 0 ? -1 : BitOperations.Log2((uint)a), 31, shiftAmount);

    public static int FindS32(int a, bool shiftAmount) => FindU32(a < 0 ? ~a : a, shiftAmount);

    public static int FindU64(long a, bool shiftAmount) => Found(a == 0 ? -1 : BitOperations.Log2((ulong)a), 63, shiftAmount);

    public static int FindS64(long a, bool shiftAmount) => FindU64(a < 0 ? ~a : a, shiftAmount);

    public static int ExtractU32(int a, int position, int length) => (int)Extract((uint)a, position, length, 32, signed: false);

    public static int ExtractS32(int a, int position, int length) => (int)Extract((uint)a, position, length, 32, signed: true);

    public static long ExtractU64(long a, int position, int length) => (long)Extract((ulong)a, position, length, 64, signed: false);

    public static long ExtractS64(long a, int position, int length) => (long)Extract((ulong)a, position, length, 64, signed: true);

    public static int Insert32(int field, int into, int position, int length) => (int)Insert((uint)field, (uint)into, position, length, 32);

    public static long Insert64(long field, long into, int position, int length) => (long)Insert((ulong)field, (ulong)into, position, length, 64);

    /// <summary>Any function of three bits, given by its truth table.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Lop3(int a, int b, int c, int table)
    {
        int result = 0;
        for (int i = 0; i < 8; i++)
            if ((table >> i & 1) != 0)
                result |= ((i & 4) != 0 ? a : ~a) & ((i & 2) != 0 ? b : ~b) & ((i & 1) != 0 ? c : ~c);
        return result;
    }

    /// <summary>Chooses four of the eight bytes of (b:a); bit 3 of a selector replicates the byte's sign instead.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Permute(int a, int b, int selectors)
    {
        ulong bytes = Pair(a, b);
        uint result = 0;
        for (int i = 0; i < 4; i++)
        {
            int selector = (selectors >> (4 * i)) & 15;
            uint chosen = (uint)(bytes >> (8 * (selector & 7))) & 0xff;
            if ((selector & 8) != 0)
                chosen = (chosen & 0x80) != 0 ? 0xffu : 0;
            result |= chosen << (8 * i);
        }
        return (int)result;
    }

    private static ulong Pair(int low, int high) => ((ulong)(uint)high << 32) | (uint)low;

    private static int Found(int position, int top, bool shiftAmount) => position >= 0 && shiftAmount ? top - position : position;

    /// <summary>Position and length count modulo 256; bits beyond the top are the sign, as is everything when length is zero and signed.</summary>
    private static ulong Extract(ulong a, int position, int length, int bits, bool signed)
    {
        int start = position & 0xff;
        int count = length & 0xff;
        bool sign = signed && count != 0 && (a >> Math.Min(start + count - 1, bits - 1) & 1) != 0;
        ulong result = 0;
        for (int i = 0; i < bits; i++)
        {
            bool bit = i < count && start + i < bits ? (a >> (start + i) & 1) != 0 : sign;
            result |= bit ? 1UL << i : 0;
        }
        return result;
    }

    private static ulong Insert(ulong field, ulong into, int position, int length, int bits)
    {
        int start = position & 0xff;
        int count = length & 0xff;
        for (int i = 0; i < count && start + i < bits; i++)
            into = (into & ~(1UL << (start + i))) | ((field >> i & 1) << (start + i));
        return into;
    }
}
