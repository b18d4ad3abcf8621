using Andrea.Cuda.Interop;
using Andrea.Cuda.Memory;
using Andrea.Tensors;

namespace Andrea.Cuda.Embedding;

/// <summary>The embedding on a GPU: <c>embedding.cu</c>. One launch forward, at most five backward.</summary>
/// <remarks>Backward sorts the rows by token and adds up neighbours, so that no two threads add to the same element.</remarks>
internal sealed class EmbeddingKernels
{
    public const string File = "embedding.cu";
    public const string ForwardName = "k_embedding_fwd", PositionsName = "k_embedding_bwd_positions", CountName = "k_embedding_bwd_count";
    public const string SortName = "k_embedding_bwd_sort", RunsName = "k_embedding_bwd_runs", JoinName = "k_embedding_bwd_join";

    /// <summary>Sorted rows that one thread adds up; the kernel's PIECE.</summary>
    public const int PieceRows = 32;

    private const int BlockThreads = 256, BlockWarps = BlockThreads / 32;

    // The kernels that add rows take a slice of the channels in each block, a quad in each thread.
    private const int SliceThreads = 64, SliceChannels = 4 * SliceThreads;

    // How many parts a row's comparisons with all others are dealt to: fills a GPU even with few rows. Whole numbers, so bits do not depend on it.
    private const int MaxSpans = 8;

    private readonly CudaStream _stream;
    private readonly CudaScratch _scratch;
    private readonly CudaKernel _forward, _positions, _count, _sort, _runs, _join;

    public EmbeddingKernels(KernelLoader loader, CudaScratch scratch)
    {
        _stream = loader.Stream;
        _scratch = scratch;
        CudaModule module = loader.Load(File);
        _forward = module.GetKernel(ForwardName);
        _positions = module.GetKernel(PositionsName);
        _count = module.GetKernel(CountName);
        _sort = module.GetKernel(SortName);
        _runs = module.GetKernel(RunsName);
        _join = module.GetKernel(JoinName);
    }

    public void Forward(
        DeviceBuffer<int> tokens, Tensor tokenTable, Tensor positionTable, int firstPosition, int batch, int tokenCount, int channels, Tensor output)
    {
        int rows = checked(batch * tokenCount);
        if (rows == 0 || channels == 0)
            return;
        var arguments = default(KernelArguments);
        arguments.Add(tokens.Address);
        arguments.Add(tokenTable.Address);
        arguments.Add(positionTable.Address);
        arguments.Add(firstPosition);
        arguments.Add(rows);
        arguments.Add(tokenCount);
        arguments.Add(channels);
        arguments.Add(output.Address);
        _forward.Launch(LaunchShape.Linear(Blocks(rows, BlockWarps), BlockThreads), _stream, ref arguments);
    }

    public void Backward(
        Tensor dOutput, DeviceBuffer<int> tokens, int batch, int tokenCount, int channels, Tensor dTokenTable, Tensor dPositionTable)
    {
        int rows = checked(batch * tokenCount);
        if (rows == 0 || channels == 0)
            return;
        AddPositions(dOutput, batch, tokenCount, channels, dPositionTable);
        int spans = Math.Min(MaxSpans, Blocks(rows, BlockThreads)), pieces = Blocks(rows, PieceRows);
        long endBytes = checked(pieces * 2L * Blocks(channels, 4) * 4 * sizeof(float)), rowBytes = (long)rows * sizeof(int);
        // The ends come first, as they want the alignment.
        nint ends = _scratch.Take(checked(endBytes + (2 + spans) * rowBytes));
        nint sortedRows = ends + (nint)endBytes, sortedTokens = sortedRows + (nint)rowBytes, counts = sortedTokens + (nint)rowBytes;
        Sort(tokens, rows, spans, counts, sortedRows, sortedTokens);
        AddRuns(dOutput, sortedRows, sortedTokens, rows, channels, dTokenTable, ends);
        // No run goes on beyond the last piece.
        if (pieces > 1)
            JoinRuns(sortedTokens, rows, channels, pieces - 1, ends, dTokenTable);
    }

    private void AddPositions(Tensor dOutput, int batch, int tokenCount, int channels, Tensor dPositionTable)
    {
        var arguments = default(KernelArguments);
        arguments.Add(dOutput.Address);
        arguments.Add(batch);
        arguments.Add(tokenCount);
        arguments.Add(channels);
        arguments.Add(dPositionTable.Address);
        _positions.Launch(Slices(tokenCount, channels), _stream, ref arguments);
    }

    private void Sort(DeviceBuffer<int> tokens, int rows, int spans, nint counts, nint sortedRows, nint sortedTokens)
    {
        int blocks = Blocks(rows, BlockThreads);
        var counting = default(KernelArguments);
        counting.Add(tokens.Address);
        counting.Add(rows);
        counting.Add(Blocks(blocks, spans));
        counting.Add(counts);
        _count.Launch(LaunchShape.Linear(blocks, BlockThreads) with { GridY = (uint)spans }, _stream, ref counting);

        var sorting = default(KernelArguments);
        sorting.Add(tokens.Address);
        sorting.Add(rows);
        sorting.Add(spans);
        sorting.Add(counts);
        sorting.Add(sortedRows);
        sorting.Add(sortedTokens);
        _sort.Launch(LaunchShape.Linear(blocks, BlockThreads), _stream, ref sorting);
    }

    private void AddRuns(Tensor dOutput, nint sortedRows, nint sortedTokens, int rows, int channels, Tensor dTokenTable, nint ends)
    {
        var arguments = default(KernelArguments);
        arguments.Add(dOutput.Address);
        arguments.Add(sortedRows);
        arguments.Add(sortedTokens);
        arguments.Add(rows);
        arguments.Add(channels);
        arguments.Add(dTokenTable.Address);
        arguments.Add(ends);
        _runs.Launch(Slices(Blocks(rows, PieceRows), channels), _stream, ref arguments);
    }

    private void JoinRuns(nint sortedTokens, int rows, int channels, int pieces, nint ends, Tensor dTokenTable)
    {
        var arguments = default(KernelArguments);
        arguments.Add(sortedTokens);
        arguments.Add(rows);
        arguments.Add(channels);
        arguments.Add(ends);
        arguments.Add(dTokenTable.Address);
        _join.Launch(Slices(pieces, channels), _stream, ref arguments);
    }

    private static LaunchShape Slices(int blocks, int channels) =>
        LaunchShape.Linear(blocks, SliceThreads) with { GridY = checked((uint)Blocks(channels, SliceChannels)) };

    private static int Blocks(long length, long blockLength) => checked((int)((length + blockLength - 1) / blockLength));
}
