using Andrea.Cuda.Interop;
using Andrea.Cuda.Memory;
using Andrea.Tensors;

namespace Andrea.Cuda.Attention;

/// <summary>Causal self-attention on a GPU: <c>attention_forward.cu</c>, <c>attention_backward.cu</c> and <c>attention_decode.cu</c>.</summary>
/// <remarks>One launch forward, three backward, one or two for a token that is decoded. Kernels are compiled for the head sizes that are used.</remarks>
internal sealed class AttentionKernels(KernelLoader loader, CudaScratch scratch)
{
    public const string ForwardFile = "attention_forward.cu", BackwardFile = "attention_backward.cu", DecodeFile = "attention_decode.cu";
    public const string ForwardName = "k_attention_fwd";
    public const string DeltaName = "k_attention_delta", BackwardQueryName = "k_attention_bwd_query", BackwardKeyName = "k_attention_bwd_key";
    public const string DecodeName = "k_attention_decode", DecodeJoinName = "k_attention_decode_join";

    /// <summary>Keys of a decoded token that one block attends to.</summary>
    public const int DecodeKeys = 128;

    private const int BlockThreads = 64, DecodeThreads = 128;

    private readonly CudaKernel?[] _forward = new CudaKernel?[AttentionTiles.All.Count];
    private readonly BackwardKernels?[] _backward = new BackwardKernels?[AttentionTiles.All.Count];
    private CudaKernel? _decode, _join;

    public void Forward(Tensor qkv, int batch, int tokenCount, int heads, int headSize, Tensor output, Tensor logSumExp)
    {
        if (IsEmpty(batch, tokenCount, heads, headSize))
            return;
        int index = AttentionTiles.IndexFor(headSize);
        AttentionTiles tiles = AttentionTiles.All[index];
        CudaKernel kernel = _forward[index] ??= LoadForward(tiles);
        int pairs = checked(batch * heads);
        var arguments = default(KernelArguments);
        arguments.Add(qkv.Address);
        arguments.Add(output.Address);
        arguments.Add(logSumExp.Address);
        arguments.Add(tokenCount);
        arguments.Add(heads);
        arguments.Add(headSize);
        arguments.Add(pairs);
        arguments.Add(ScaleOf(headSize));
        kernel.Launch(ShapeOf(tiles, tiles.Forward, pairs, tokenCount, headSize), loader.Stream, ref arguments);
    }

    public void Backward(
        Tensor dOutput, Tensor qkv, Tensor output, Tensor logSumExp, int batch, int tokenCount, int heads, int headSize, Tensor dQkv)
    {
        if (IsEmpty(batch, tokenCount, heads, headSize))
            return;
        int index = AttentionTiles.IndexFor(headSize);
        AttentionTiles tiles = AttentionTiles.All[index];
        BackwardKernels kernels = _backward[index] ??= new(loader.Load(BackwardFile, tiles.Definitions()));
        int pairs = checked(batch * heads);
        long rows = (long)pairs * tokenCount;
        nint delta = scratch.Take(rows * sizeof(float));

        var arguments = default(KernelArguments);
        arguments.Add(dOutput.Address);
        arguments.Add(output.Address);
        arguments.Add(delta);
        arguments.Add(tokenCount);
        arguments.Add(heads);
        arguments.Add(headSize);
        arguments.Add(rows);
        int blocks = checked((int)((rows - 1) / BlockThreads + 1));
        kernels.Delta.Launch(LaunchShape.Linear(blocks, BlockThreads), loader.Stream, ref arguments);

        arguments = default;
        arguments.Add(dOutput.Address);
        arguments.Add(qkv.Address);
        arguments.Add(logSumExp.Address);
        arguments.Add(delta);
        arguments.Add(dQkv.Address);
        arguments.Add(tokenCount);
        arguments.Add(heads);
        arguments.Add(headSize);
        arguments.Add(pairs);
        arguments.Add(ScaleOf(headSize));
        kernels.Query.Launch(ShapeOf(tiles, tiles.BackwardQuery, pairs, tokenCount, headSize), loader.Stream, ref arguments);
        kernels.Key.Launch(ShapeOf(tiles, tiles.BackwardKey, pairs, tokenCount, headSize), loader.Stream, ref arguments);
    }

    public void Decode(Tensor qkv, int position, int heads, int headSize, Tensor keyCache, Tensor valueCache, Tensor output)
    {
        if (IsEmpty(1, 1, heads, headSize))
            return;
        if (_decode is null)
        {
            CudaModule module = loader.Load(DecodeFile, $"ANDREA_DECODE_KEYS={DecodeKeys}");
            _decode = module.GetKernel(DecodeName);
            _join = module.GetKernel(DecodeJoinName);
        }
        int pieces = position / DecodeKeys + 1;
        nint partials = pieces == 1 ? 0 : scratch.Take(checked((long)heads * pieces * (headSize + 2) * sizeof(float)));
        var arguments = default(KernelArguments);
        arguments.Add(qkv.Address);
        arguments.Add(keyCache.Address);
        arguments.Add(valueCache.Address);
        arguments.Add(output.Address);
        arguments.Add(partials);
        arguments.Add(position);
        arguments.Add(checked((int)keyCache.Shape[1]));
        arguments.Add(headSize);
        arguments.Add(ScaleOf(headSize));
        _decode.Launch(new LaunchShape((uint)pieces, (uint)heads, 1, DecodeThreads, 1, 1, 0), loader.Stream, ref arguments);
        if (pieces == 1)
            return;
        arguments = default;
        arguments.Add(partials);
        arguments.Add(output.Address);
        arguments.Add(pieces);
        arguments.Add(headSize);
        _join!.Launch(LaunchShape.Linear(heads, DecodeThreads), loader.Stream, ref arguments);
    }

    private CudaKernel LoadForward(AttentionTiles tiles)
    {
        // Most who go forward come back; the two files take longest of all.
        loader.Prefetch(BackwardFile, tiles.Definitions());
        return loader.Load(ForwardFile, tiles.Definitions()).GetKernel(ForwardName);
    }

    private static bool IsEmpty(int batch, int tokenCount, int heads, int headSize) =>
        batch == 0 || tokenCount == 0 || heads == 0 || headSize == 0;

    private static float ScaleOf(int headSize) => (float)(1 / Math.Sqrt(headSize));

    /// <summary>A block for each tile of rows of each sequence and head, times the chunks of a head.</summary>
    private static LaunchShape ShapeOf(AttentionTiles tiles, AttentionTile tile, int pairs, int tokenCount, int headSize)
    {
        long tileCount = (tokenCount - 1) / tile.RowCount + 1;
        uint blocks = checked((uint)(int)(tileCount * pairs));
        return new LaunchShape(blocks, (uint)tiles.ChunksOf(headSize), 1, BlockThreads, 1, 1, 0);
    }

    private sealed class BackwardKernels(CudaModule module)
    {
        public CudaKernel Delta { get; } = module.GetKernel(DeltaName);

        public CudaKernel Query { get; } = module.GetKernel(BackwardQueryName);

        public CudaKernel Key { get; } = module.GetKernel(BackwardKeyName);
    }
}
