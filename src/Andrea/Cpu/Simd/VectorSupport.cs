using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Andrea.Cpu.Simd;

/// <summary>Which vectors this process computes with: what the processor has, less what the runtime's switches forbid.</summary>
internal static class VectorSupport
{
    /// <summary>Width of the vectors that the JIT uses; 0 if there are none.</summary>
    public static int Bits =>
        Vector512.IsHardwareAccelerated ? 512 : Vector256.IsHardwareAccelerated ? 256 : Vector128.IsHardwareAccelerated ? 128 : 0;

    /// <summary>Width of the vectors that the JIT uses, and the instruction sets behind it; for people.</summary>
    public static string Description
    {
        get
        {
            List<string> sets = [];
            if (Avx512F.IsSupported)
                sets.Add("AVX-512");
            if (Avx2.IsSupported)
                sets.Add("AVX2");
            if (Fma.IsSupported)
                sets.Add("FMA");
            if (AdvSimd.IsSupported)
                sets.Add("AdvSIMD");
            string names = sets.Count == 0 ? "no SIMD instructions" : string.Join(", ", sets);
            return Bits == 0 ? names : $"{Bits} bits ({names})";
        }
    }
}
