using Andrea.Tensors;

namespace Andrea.Cuda;

internal sealed partial class CudaBackend
{
    public void AttentionForward(Tensor qkv, int batch, int tokenCount, int heads, int headSize, Tensor output, Tensor logSumExp) =>
        throw new NotImplementedException();

    public void AttentionBackward(
        Tensor dOutput, Tensor qkv, Tensor output, Tensor logSumExp, int batch, int tokenCount, int heads, int headSize, Tensor dQkv) =>
        throw new NotImplementedException();

    public void AttentionDecode(Tensor qkv, int position, int heads, int headSize, Tensor keyCache, Tensor valueCache, Tensor output) =>
        throw new NotImplementedException();
}
