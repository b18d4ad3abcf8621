using Andrea.Cpu.Attention;
using Andrea.Tensors;

namespace Andrea.Cpu;

internal sealed partial class CpuBackend
{
    private readonly GrowOnlyMemory _attentionScratch = new();

    public unsafe void AttentionForward(Tensor qkv, int batch, int tokenCount, int heads, int headSize, Tensor output, Tensor logSumExp)
    {
        var shape = new AttentionShape(batch, tokenCount, heads, headSize);
        float* scratch = _attentionScratch.Take(ForwardWork.ScratchLength(shape) * _team.ThreadCount);
        ForwardWork.Reset(shape, scratch, _team.ThreadCount);
        var work = new ForwardWork(shape, (float*)qkv.Address, (float*)output.Address, (float*)logSumExp.Address, scratch);
        // A thread takes a whole pair at once if there are plenty: it then brings the keys into its scratch memory only once.
        long grain = shape.Pairs >= 8L * _team.ThreadCount ? shape.Tiles : 1;
        _team.Run(ref work, shape.Pairs * shape.Tiles, grain);
    }

    public unsafe void AttentionBackward(
        Tensor dOutput, Tensor qkv, Tensor output, Tensor logSumExp, int batch, int tokenCount, int heads, int headSize, Tensor dQkv)
    {
        var shape = new AttentionShape(batch, tokenCount, heads, headSize);
        float* scratch = _attentionScratch.Take(BackwardWork.ScratchLength(shape) * _team.ThreadCount);
        if (BackwardWork.IsFasterByTiles(shape, _team.ThreadCount))
        {
            BackwardWork queries = Work(BackwardPart.Queries), keys = Work(BackwardPart.Keys);
            _team.Run(ref queries, shape.Pairs * shape.Tiles);
            _team.Run(ref keys, shape.Pairs * shape.Tiles);
        }
        else
        {
            BackwardWork pairs = Work(BackwardPart.Pair);
            _team.Run(ref pairs, shape.Pairs);
        }

        BackwardWork Work(BackwardPart part) => new(
            shape, (float*)dOutput.Address, (float*)qkv.Address, (float*)output.Address, (float*)logSumExp.Address, (float*)dQkv.Address, scratch, part);
    }

    public unsafe void AttentionDecode(Tensor qkv, int position, int heads, int headSize, Tensor keyCache, Tensor valueCache, Tensor output)
    {
        var work = new DecodeWork(
            (float*)qkv.Address, position, heads, headSize, keyCache.Shape[1],
            (float*)keyCache.Address, (float*)valueCache.Address, (float*)output.Address);
        _team.Run(ref work, heads);
    }
}
