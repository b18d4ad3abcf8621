using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Andrea.Cpu.MatMul;

/// <summary>Turns 4 k of some lanes, each lane contiguous in memory, into 4 runs of lanes, one for each k: in registers, or stored.</summary>
/// <remarks>
/// Wider than 4 lanes, a register is loaded with one row of four in each of its 128-bit parts (rows r, r + 4, r + 8, r + 12), so that the
/// same 4 x 4 transposition inside the parts leaves all lanes in order.
/// </remarks>
internal static unsafe class Transposition
{
    /// <summary>Needs AVX-512.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SixteenLanes(float* source, long stride, int targetStride, float* target)
    {
        SixteenLanes(source, stride, out Vector512<float> k0, out Vector512<float> k1, out Vector512<float> k2, out Vector512<float> k3);
        k0.Store(target);
        k1.Store(target + targetStride);
        k2.Store(target + 2 * targetStride);
        k3.Store(target + 3 * targetStride);
    }

    /// <summary>Needs AVX-512.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SixteenLanes(
        float* source, long stride, out Vector512<float> k0, out Vector512<float> k1, out Vector512<float> k2, out Vector512<float> k3)
    {
        Vector512<float> a = LoadSixteen(source, stride);
        Vector512<float> b = LoadSixteen(source + stride, stride);
        Vector512<float> c = LoadSixteen(source + 2 * stride, stride);
        Vector512<float> d = LoadSixteen(source + 3 * stride, stride);
        Vector512<double> abLow = Avx512F.UnpackLow(a, b).AsDouble();
        Vector512<double> abHigh = Avx512F.UnpackHigh(a, b).AsDouble();
        Vector512<double> cdLow = Avx512F.UnpackLow(c, d).AsDouble();
        Vector512<double> cdHigh = Avx512F.UnpackHigh(c, d).AsDouble();
        k0 = Avx512F.UnpackLow(abLow, cdLow).AsSingle();
        k1 = Avx512F.UnpackHigh(abLow, cdLow).AsSingle();
        k2 = Avx512F.UnpackLow(abHigh, cdHigh).AsSingle();
        k3 = Avx512F.UnpackHigh(abHigh, cdHigh).AsSingle();
    }

    /// <summary>Needs AVX.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void EightLanes(float* source, long stride, int targetStride, float* target)
    {
        EightLanes(source, stride, out Vector256<float> k0, out Vector256<float> k1, out Vector256<float> k2, out Vector256<float> k3);
        k0.Store(target);
        k1.Store(target + targetStride);
        k2.Store(target + 2 * targetStride);
        k3.Store(target + 3 * targetStride);
    }

    /// <summary>Needs AVX.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void EightLanes(
        float* source, long stride, out Vector256<float> k0, out Vector256<float> k1, out Vector256<float> k2, out Vector256<float> k3)
    {
        Vector256<float> a = LoadEight(source, stride);
        Vector256<float> b = LoadEight(source + stride, stride);
        Vector256<float> c = LoadEight(source + 2 * stride, stride);
        Vector256<float> d = LoadEight(source + 3 * stride, stride);
        Vector256<double> abLow = Avx.UnpackLow(a, b).AsDouble();
        Vector256<double> abHigh = Avx.UnpackHigh(a, b).AsDouble();
        Vector256<double> cdLow = Avx.UnpackLow(c, d).AsDouble();
        Vector256<double> cdHigh = Avx.UnpackHigh(c, d).AsDouble();
        k0 = Avx.UnpackLow(abLow, cdLow).AsSingle();
        k1 = Avx.UnpackHigh(abLow, cdLow).AsSingle();
        k2 = Avx.UnpackLow(abHigh, cdHigh).AsSingle();
        k3 = Avx.UnpackHigh(abHigh, cdHigh).AsSingle();
    }

    /// <summary>Runs everywhere.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FourLanes(float* source, long stride, int targetStride, float* target)
    {
        FourLanes(source, stride, out Vector128<float> k0, out Vector128<float> k1, out Vector128<float> k2, out Vector128<float> k3);
        k0.Store(target);
        k1.Store(target + targetStride);
        k2.Store(target + 2 * targetStride);
        k3.Store(target + 3 * targetStride);
    }

    /// <summary>Runs everywhere.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FourLanes(
        float* source, long stride, out Vector128<float> k0, out Vector128<float> k1, out Vector128<float> k2, out Vector128<float> k3)
    {
        Vector128<float> a = Vector128.Load(source);
        Vector128<float> b = Vector128.Load(source + stride);
        Vector128<float> c = Vector128.Load(source + 2 * stride);
        Vector128<float> d = Vector128.Load(source + 3 * stride);
        Vector128<double> abLow = InterleaveLow(a, b).AsDouble();
        Vector128<double> abHigh = InterleaveHigh(a, b).AsDouble();
        Vector128<double> cdLow = InterleaveLow(c, d).AsDouble();
        Vector128<double> cdHigh = InterleaveHigh(c, d).AsDouble();
        k0 = InterleaveLow(abLow, cdLow).AsSingle();
        k1 = InterleaveHigh(abLow, cdLow).AsSingle();
        k2 = InterleaveLow(abHigh, cdHigh).AsSingle();
        k3 = InterleaveHigh(abHigh, cdHigh).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> LoadSixteen(float* source, long stride)
    {
        Vector512<float> rows = Vector128.Load(source).ToVector256Unsafe().ToVector512Unsafe();
        rows = Avx512F.InsertVector128(rows, Vector128.Load(source + 4 * stride), 1);
        rows = Avx512F.InsertVector128(rows, Vector128.Load(source + 8 * stride), 2);
        return Avx512F.InsertVector128(rows, Vector128.Load(source + 12 * stride), 3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> LoadEight(float* source, long stride) =>
        Avx.InsertVector128(Vector128.Load(source).ToVector256Unsafe(), Vector128.Load(source + 4 * stride), 1);

    /// <summary>(a0, b0, a1, b1).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> InterleaveLow(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.UnpackLow(a, b) :
        AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(a, b) : Vector128.Create(a[0], b[0], a[1], b[1]);

    /// <summary>(a2, b2, a3, b3).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> InterleaveHigh(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.UnpackHigh(a, b) :
        AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(a, b) : Vector128.Create(a[2], b[2], a[3], b[3]);

    /// <summary>(a0, b0).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<double> InterleaveLow(Vector128<double> a, Vector128<double> b) =>
        Sse2.IsSupported ? Sse2.UnpackLow(a, b) :
        AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(a, b) : Vector128.Create(a[0], b[0]);

    /// <summary>(a1, b1).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<double> InterleaveHigh(Vector128<double> a, Vector128<double> b) =>
        Sse2.IsSupported ? Sse2.UnpackHigh(a, b) :
        AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(a, b) : Vector128.Create(a[1], b[1]);
}
