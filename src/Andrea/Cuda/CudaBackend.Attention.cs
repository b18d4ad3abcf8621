using Andrea.Cuda.Attention;
using Andrea.Tensors;

namespace Andrea.Cuda;

internal sealed partial class CudaBackend
{
    private AttentionKernels? _attention;

    private AttentionKernels Attention => _attention ??= new AttentionKernels(_loader, _scratch);

    public void AttentionForward(Tensor qkv, int batch, int tokenCount, int heads, int headSize, Tensor output, Tensor logSumExp) =>
        Attention.Forward(qkv, batch, tokenCount, heads, headSize, output, logSumExp);

    public void AttentionBackward(
        Tensor dOutput, Tensor qkv, Tensor output, Tensor logSumExp, int batch, int tokenCount, int heads, int headSize, Tensor dQkv) =>
        Attention.Backward(dOutput, qkv, output, logSumExp, batch, tokenCount, heads, headSize, dQkv);

    public void AttentionDecode(Tensor qkv, int position, int heads, int headSize, Tensor keyCache, Tensor valueCache, Tensor output) =>
        Attention.Decode(qkv, position, heads, headSize, keyCache, valueCache, output);
}
