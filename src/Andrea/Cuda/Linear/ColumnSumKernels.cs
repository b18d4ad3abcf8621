using Andrea.Cuda.Interop;
using Andrea.Tensors;

namespace Andrea.Cuda.Linear;

/// <summary>Sums of a matrix's columns, a bias's gradient: <c>column_sums.cu</c>, two launches.</summary>
internal sealed class ColumnSumKernels
{
    public const string File = "column_sums.cu";
    public const string PartialName = "k_column_sums_partial", FinalName = "k_column_sums_final";

    /// <summary>Rows that one block sums; fixed, so that a sum's order depends on the sizes alone.</summary>
    public const int ShareRows = 256;

    private const int BlockColumns = 32, PartialThreads = 256;

    private readonly CudaStream _stream;
    private readonly CudaKernel _partial, _final;

    public ColumnSumKernels(KernelLoader loader)
    {
        _stream = loader.Stream;
        CudaModule module = loader.Load(File);
        _partial = module.GetKernel(PartialName);
        _final = module.GetKernel(FinalName);
    }

    /// <summary>Bytes of scratch memory that <see cref="Add"/> takes.</summary>
    public static long ScratchBytes(int rows, int columns) => checked(SharesOf(rows) * columns * sizeof(float));

    /// <summary>sums[c] += sum over rows of matrix[row, c].</summary>
    /// <param name="matrix">(rows, columns).</param>
    /// <param name="rows">Number of rows; with none the sums stay as they are.</param>
    /// <param name="columns">Number of columns.</param>
    /// <param name="sums">(columns) accumulates.</param>
    /// <param name="scratch">Address of <see cref="ScratchBytes"/> bytes.</param>
    public void Add(Tensor matrix, int rows, int columns, Tensor sums, nint scratch)
    {
        if (rows == 0 || columns == 0)
            return;
        long shares = SharesOf(rows), tiles = ((long)columns + BlockColumns - 1) / BlockColumns;
        var arguments = default(KernelArguments);
        arguments.Add(matrix.Address);
        arguments.Add(rows);
        arguments.Add(columns);
        arguments.Add(scratch);
        _partial.Launch(LaunchShape.Linear(checked((int)(tiles * shares)), PartialThreads), _stream, ref arguments);

        arguments = default;
        arguments.Add(scratch);
        arguments.Add((int)shares);
        arguments.Add(columns);
        arguments.Add(sums.Address);
        _final.Launch(LaunchShape.Linear((int)tiles, BlockColumns), _stream, ref arguments);
    }

    private static long SharesOf(int rows) => ((long)rows + ShareRows - 1) / ShareRows;
}
