using Andrea.Cpu.Norm;
using Andrea.Cpu.Simd;
using Andrea.Tensors;

namespace Andrea.Cpu;

internal sealed partial class CpuBackend
{
    private readonly GrowOnlyMemory _normShares = new();

    public unsafe void NormForward(
        NormKind kind, Tensor input, Tensor weight, Tensor bias, float epsilon, int rows, int channels,
        Tensor output, Tensor mean, Tensor inverseScale)
    {
        var work = new NormForwardWork
        {
            Input = (float*)input.Address,
            Weight = (float*)weight.Address,
            Bias = (float*)bias.Address,
            Output = (float*)output.Address,
            Mean = kind == NormKind.LayerNorm ? (float*)mean.Address : null,
            InverseScale = (float*)inverseScale.Address,
            Epsilon = epsilon,
            Channels = channels,
        };
        _team.Run(ref work, rows, RowsPerTake(channels));
    }

    public unsafe void NormBackward(
        NormKind kind, Tensor dOutput, Tensor input, Tensor weight, Tensor mean, Tensor inverseScale, int rows, int channels,
        Tensor dInput, Tensor dWeight, Tensor dBias)
    {
        var work = new NormBackwardWork
        {
            DOutput = (float*)dOutput.Address,
            Input = (float*)input.Address,
            Weight = (float*)weight.Address,
            Mean = kind == NormKind.LayerNorm ? (float*)mean.Address : null,
            InverseScale = (float*)inverseScale.Address,
            DInput = (float*)dInput.Address,
            Rows = rows,
            Channels = channels,
        };
        int blocks = (rows + NormBackwardWork.BlockRows - 1) / NormBackwardWork.BlockRows;
        work.Shares = _normShares.Take(2L * blocks * work.PaddedChannels);
        _team.Run(ref work, blocks);

        var sum = new NormShareWork
        {
            Shares = work.Shares,
            DWeight = (float*)dWeight.Address,
            DBias = (float*)dBias.Address,
            Blocks = blocks,
            Channels = channels,
            PaddedChannels = work.PaddedChannels,
        };
        _team.Run(ref sum, work.PaddedChannels / SimdMath.Lanes, RowsPerTake(2L * blocks * SimdMath.Lanes));
    }
}
