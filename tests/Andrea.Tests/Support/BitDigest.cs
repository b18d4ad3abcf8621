using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Andrea.Tests.Support;

/// <summary>A short text that is the same exactly if all bits are the same: -0 and +0 differ, and so do two NaNs with different payloads.</summary>
internal static class BitDigest
{
    public static string Of<T>(ReadOnlySpan<T> values)
        where T : unmanaged =>
        Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes(values)).AsSpan(0, 8));

    public static string Of(Andrea.Tensors.Tensor tensor) => Of<float>(tensor.ToArray());
}
