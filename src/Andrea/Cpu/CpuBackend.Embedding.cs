using Andrea.Cpu.Embedding;
using Andrea.Cpu.Simd;
using Andrea.Tensors;

namespace Andrea.Cpu;

internal sealed partial class CpuBackend
{
    public unsafe void EmbeddingForward(
        DeviceBuffer<int> tokens, Tensor tokenTable, Tensor positionTable, int firstPosition, int batch, int tokenCount, int channels, Tensor output)
    {
        var work = new EmbeddingForwardWork
        {
            Tokens = (int*)tokens.Address,
            TokenTable = (float*)tokenTable.Address,
            PositionTable = (float*)positionTable.Address,
            FirstPosition = firstPosition,
            TokenCount = tokenCount,
            Channels = channels,
            Output = (float*)output.Address,
        };
        _team.Run(ref work, (long)batch * tokenCount, RowsPerTake(channels));
    }

    public unsafe void EmbeddingBackward(
        Tensor dOutput, DeviceBuffer<int> tokens, int batch, int tokenCount, int channels, Tensor dTokenTable, Tensor dPositionTable)
    {
        // Two slices a thread even out unequal cores; narrower ones would only cut rows into smaller pieces. Bits do not depend on it.
        int vectors = (channels + SimdMath.Lanes - 1) / SimdMath.Lanes;
        int vectorsPerSlice = Math.Max(1, vectors / (2 * _team.ThreadCount));
        var work = new EmbeddingBackwardWork
        {
            DOutput = (float*)dOutput.Address,
            Tokens = (int*)tokens.Address,
            Batch = batch,
            TokenCount = tokenCount,
            Channels = channels,
            SliceChannels = vectorsPerSlice * SimdMath.Lanes,
            DTokenTable = (float*)dTokenTable.Address,
            DPositionTable = (float*)dPositionTable.Address,
        };
        long slices = (vectors + vectorsPerSlice - 1) / vectorsPerSlice;
        _team.Run(ref work, slices, RowsPerTake((long)batch * tokenCount * work.SliceChannels));
    }
}
