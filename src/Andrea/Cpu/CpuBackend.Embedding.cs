using Andrea.Tensors;

namespace Andrea.Cpu;

internal sealed partial class CpuBackend
{
    public void EmbeddingForward(DeviceBuffer<int> tokens, Tensor tokenTable, Tensor positionTable, int firstPosition, int batch, int tokenCount, int channels, Tensor output) => throw new NotSupportedException();

    public void EmbeddingBackward(Tensor dOutput, DeviceBuffer<int> tokens, int batch, int tokenCount, int channels, Tensor dTokenTable, Tensor dPositionTable) => throw new NotSupportedException();
}
