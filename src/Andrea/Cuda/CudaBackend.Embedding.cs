using Andrea.Cuda.Embedding;
using Andrea.Tensors;

namespace Andrea.Cuda;

internal sealed partial class CudaBackend
{
    private EmbeddingKernels? _embedding;

    private EmbeddingKernels EmbeddingKernels => _embedding ??= new EmbeddingKernels(_loader, _scratch);

    public void EmbeddingForward(
        DeviceBuffer<int> tokens, Tensor tokenTable, Tensor positionTable, int firstPosition, int batch, int tokenCount, int channels, Tensor output) =>
        EmbeddingKernels.Forward(tokens, tokenTable, positionTable, firstPosition, batch, tokenCount, channels, output);

    public void EmbeddingBackward(
        Tensor dOutput, DeviceBuffer<int> tokens, int batch, int tokenCount, int channels, Tensor dTokenTable, Tensor dPositionTable) =>
        EmbeddingKernels.Backward(dOutput, tokens, batch, tokenCount, channels, dTokenTable, dPositionTable);
}
