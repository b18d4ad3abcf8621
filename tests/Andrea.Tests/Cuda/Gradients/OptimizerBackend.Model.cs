using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Tests.Cuda.Gradients;

/// <summary>The half of the backend that tests of the optimizer have no use for.</summary>
internal sealed partial class OptimizerBackend
{
    void IModelOps.EmbeddingForward(
        DeviceBuffer<int> tokens, Tensor tokenTable, Tensor positionTable, int firstPosition,
        int batch, int tokenCount, int channels, Tensor output) =>
        throw NoModel();

    void IModelOps.EmbeddingBackward(
        Tensor dOutput, DeviceBuffer<int> tokens, int batch, int tokenCount, int channels, Tensor dTokenTable, Tensor dPositionTable) =>
        throw NoModel();

    void IModelOps.NormForward(
        NormKind kind, Tensor input, Tensor weight, Tensor bias, float epsilon, int rows, int channels,
        Tensor output, Tensor mean, Tensor inverseScale) =>
        throw NoModel();

    void IModelOps.NormBackward(
        NormKind kind, Tensor dOutput, Tensor input, Tensor weight, Tensor mean, Tensor inverseScale, int rows, int channels,
        Tensor dInput, Tensor dWeight, Tensor dBias) =>
        throw NoModel();

    void IModelOps.LinearForward(
        Tensor input, Tensor weight, Tensor bias, Tensor residual, int rows, int inputSize, int outputSize, Tensor output) =>
        throw NoModel();

    void IModelOps.LinearBackwardInput(Tensor dOutput, Tensor weight, int rows, int inputSize, int outputSize, Tensor dInput) => throw NoModel();

    void IModelOps.LinearBackwardWeight(
        Tensor dOutput, Tensor input, int rows, int inputSize, int outputSize, Tensor dWeight, Tensor dBias) =>
        throw NoModel();

    void IModelOps.ActivationForward(ActivationKind kind, Tensor input, long length, Tensor output) => throw NoModel();

    void IModelOps.ActivationBackward(ActivationKind kind, Tensor input, Tensor dOutput, long length, Tensor dInput) => throw NoModel();

    void IModelOps.AttentionForward(
        Tensor qkv, int batch, int tokenCount, int heads, int headSize, Tensor output, Tensor logSumExp) =>
        throw NoModel();

    void IModelOps.AttentionBackward(
        Tensor dOutput, Tensor qkv, Tensor output, Tensor logSumExp, int batch, int tokenCount, int heads, int headSize, Tensor dQkv) =>
        throw NoModel();

    void IModelOps.AttentionDecode(
        Tensor qkv, int position, int heads, int headSize, Tensor keyCache, Tensor valueCache, Tensor output) =>
        throw NoModel();

    void IModelOps.CrossEntropyForward(Tensor logits, DeviceBuffer<int> targets, int rows, int vocabulary, Tensor losses) => throw NoModel();

    void IModelOps.CrossEntropyForwardBackward(
        DeviceBuffer<int> targets, float gradientScale, int rows, int vocabulary, Tensor logits, Tensor losses) =>
        throw NoModel();

    void IModelOps.AddSum(Tensor values, int length, double scale, DeviceBuffer<double> sum) => throw NoModel();

    private static NotSupportedException NoModel() => new("This backend has the optimizer's operations only.");
}
