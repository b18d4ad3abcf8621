namespace Andrea.Cuda.Compilation;

/// <summary>What came out of a compilation, ready for the driver.</summary>
/// <param name="Image">A CUBIN, or PTX text with its closing zero byte.</param>
/// <param name="FromCache">Whether an earlier compilation had left it in the cache.</param>
internal sealed record CompiledKernel(byte[] Image, bool FromCache);
