using Andrea.Cuda.CrossEntropy;
using Andrea.Tensors;

namespace Andrea.Cuda;

internal sealed partial class CudaBackend
{
    private CrossEntropyKernels? _crossEntropy;

    private CrossEntropyKernels CrossEntropyKernels => _crossEntropy ??= new CrossEntropyKernels(_loader);

    public void CrossEntropyForward(Tensor logits, DeviceBuffer<int> targets, int rows, int vocabulary, Tensor losses) =>
        CrossEntropyKernels.Forward(logits, targets, rows, vocabulary, losses);

    public void CrossEntropyForwardBackward(
        DeviceBuffer<int> targets, float gradientScale, int rows, int vocabulary, Tensor logits, Tensor losses, bool zeroSum = false) =>
        CrossEntropyKernels.ForwardBackward(targets, gradientScale, rows, vocabulary, logits, losses, zeroSum);

    public void AddSum(Tensor values, int length, double scale, DeviceBuffer<double> sum) =>
        CrossEntropyKernels.AddSum(values, length, scale, sum);
}
