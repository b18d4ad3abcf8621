using System.Numerics;
using System.Runtime.CompilerServices;
using Andrea.PtxEmulator.Memory;

namespace Andrea.PtxEmulator.Semantics;

/// <summary>Integer instructions that no single instruction of the intermediate language stands for.</summary>
internal static class IntegerMath
{
    public static int DivideS32(int a, int b, int instruction) => b switch
    {
        0 => throw DivisionByZero(instruction),
        -1 => unchecked(-a),
        _ => a / b,
    };

    public static int DivideU32(int a, int b, int instruction) => b == 0 ? throw DivisionByZero(instruction) : (int)((uint)a / (uint)b);

    public static long DivideS64(long a, long b, int instruction) => b switch
    {
        0 => throw DivisionByZero(instruction),
        -1 => unchecked(-a),
        _ => a / b,
    };

    public static long DivideU64(long a, long b, int instruction) => b == 0 ? throw DivisionByZero(instruction) : (long)((ulong)a / (ulong)b);

    public static int RemainderS32(int a, int b, int instruction) => b switch
    {
        0 => throw DivisionByZero(instruction),
        -1 => 0,
        _ => a % b,
    };

    public static int RemainderU32(int a, int b, int instruction) => b == 0 ? throw DivisionByZero(instruction) : (int)((uint)a % (uint)b);

    public static long RemainderS64(long a, long b, int instruction) => b switch
    {
        0 => throw DivisionByZero(instruction),
        -1 => 0,
        _ => a % b,
    };

    public static long RemainderU64(long a, long b, int instruction) => b == 0 ? throw DivisionByZero(instruction) : (long)((ulong)a % (ulong)b);

    public static long HighS64(long a, long b) => Math.BigMul(a, b, out _);

    public static long HighU64(long a, long b) => (long)Math.BigMul((ulong)a, (ulong)b, out _);

    public static int AddSaturated(int a, int b) => Saturate((long)a + b);

    public static int SubtractSaturated(int a, int b) => Saturate((long)a - b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int MinS32(int a, int b) => Math.Min(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int MaxS32(int a, int b) => Math.Max(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int MinU32(int a, int b) => (int)Math.Min((uint)a, (uint)b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int MaxU32(int a, int b) => (int)Math.Max((uint)a, (uint)b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long MinS64(long a, long b) => Math.Min(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long MaxS64(long a, long b) => Math.Max(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long MinU64(long a, long b) => (long)Math.Min((ulong)a, (ulong)b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long MaxU64(long a, long b) => (long)Math.Max((ulong)a, (ulong)b);

    /// <summary>Of the smallest number, the smallest number.</summary>
    public static int AbsS32(int a) => a < 0 ? unchecked(-a) : a;

    public static long AbsS64(long a) => a < 0 ? unchecked(-a) : a;

    public static int SadS32(int a, int b, int c) => unchecked(c + (int)Math.Abs((long)a - b));

    public static int SadU32(int a, int b, int c) => unchecked(c + (int)Math.Abs((long)(uint)a - (uint)b));

    public static int Popc32(int a) => BitOperations.PopCount((uint)a);

    public static int Popc64(long a) => BitOperations.PopCount((ulong)a);

    public static int Clz32(int a) => BitOperations.LeadingZeroCount((uint)a);

    public static int Clz64(long a) => BitOperations.LeadingZeroCount((ulong)a);

    private static ThreadFault DivisionByZero(int instruction) =>
        new(FaultKind.DivisionByZero, instruction, "division by zero: the result is unspecified");

    private static int Saturate(long value) => (int)Math.Clamp(value, int.MinValue, int.MaxValue);
}
