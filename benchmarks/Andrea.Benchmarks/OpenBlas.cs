using System.Runtime.InteropServices;

namespace Andrea.Benchmarks;

/// <summary>OpenBLAS's single-precision products, where the library is installed; to compare with, never to depend on.</summary>
internal static unsafe class OpenBlas
{
    private const int RowMajor = 101, NoTranspose = 111, Transpose = 112;

    private static readonly nint Library = NativeLibrary.TryLoad("libopenblas.so.0", out nint library) ? library : 0;
    private static readonly nint Gemm = IsInstalled ? Export("cblas_sgemm") : 0;
    private static readonly nint Gemv = IsInstalled ? Export("cblas_sgemv") : 0;

    public static bool IsInstalled => Library != 0;

    public static void SetThreads(int threads) => ((delegate* unmanaged<int, void>)Export("openblas_set_num_threads"))(threads);

    /// <summary>output (rows, columns) = left (rows, depth) right (columns, depth)^T</summary>
    public static void MultiplyTransposed(float* left, float* right, int rows, int columns, int depth, float* output)
    {
        if (rows == 1 && IsInstalled)
            ((delegate* unmanaged<int, int, int, int, float, float*, int, float*, int, float, float*, int, void>)Gemv)(
                RowMajor, NoTranspose, columns, depth, 1, right, depth, left, 1, 0, output, 1);
        else
            Multiply(NoTranspose, Transpose, rows, columns, depth, left, depth, right, depth, 0, output);
    }

    /// <summary>output (rows, columns) = left (rows, depth) right (depth, columns)</summary>
    public static void Multiply(float* left, float* right, int rows, int columns, int depth, float* output) =>
        Multiply(NoTranspose, NoTranspose, rows, columns, depth, left, depth, right, columns, 0, output);

    /// <summary>output (rows, columns) += left (depth, rows)^T right (depth, columns)</summary>
    public static void AddTransposedProduct(float* left, float* right, int rows, int columns, int depth, float* output) =>
        Multiply(Transpose, NoTranspose, rows, columns, depth, left, rows, right, columns, 1, output);

    private static void Multiply(
        int transposeLeft, int transposeRight, int rows, int columns, int depth, float* left, int leftStride, float* right, int rightStride,
        float beta, float* output)
    {
        if (!IsInstalled)
            throw new DllNotFoundException("libopenblas.so.0 was not found, but the comparison needs it. Install OpenBLAS (Debian: libopenblas0).");
        ((delegate* unmanaged<int, int, int, int, int, int, float, float*, int, float*, int, float, float*, int, void>)Gemm)(
            RowMajor, transposeLeft, transposeRight, rows, columns, depth, 1, left, leftStride, right, rightStride, beta, output, columns);
    }

    private static nint Export(string name) => NativeLibrary.GetExport(Library, name);
}
