using Andrea.Cuda.Activation;
using Andrea.Cuda.CrossEntropy;
using Andrea.Cuda.Embedding;
using Andrea.Cuda.Norm;
using Andrea.Tensors;

namespace Andrea.Cuda;

internal sealed partial class CudaBackend
{
    private EmbeddingKernels? _embedding;

    private EmbeddingKernels EmbeddingKernels => _embedding ??= BeginModel();

    public void EmbeddingForward(
        DeviceBuffer<int> tokens, Tensor tokenTable, Tensor positionTable, int firstPosition, int batch, int tokenCount, int channels, Tensor output) =>
        EmbeddingKernels.Forward(tokens, tokenTable, positionTable, firstPosition, batch, tokenCount, channels, output);

    public void EmbeddingBackward(
        Tensor dOutput, DeviceBuffer<int> tokens, int batch, int tokenCount, int channels, Tensor dTokenTable, Tensor dPositionTable) =>
        EmbeddingKernels.Backward(dOutput, tokens, batch, tokenCount, channels, dTokenTable, dPositionTable);

    /// <summary>A model's first operation: what its others need is compiled meanwhile, side by side.</summary>
    private EmbeddingKernels BeginModel()
    {
        foreach (string file in (ReadOnlySpan<string>)[NormKernels.File, ActivationKernels.File, CrossEntropyKernels.File])
            _loader.Prefetch(file);
        return new EmbeddingKernels(_loader, _scratch);
    }
}
