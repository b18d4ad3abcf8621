using Andrea.Tensors;

namespace Andrea.Cpu;

internal sealed partial class CpuBackend
{
    public void CrossEntropyForward(Tensor logits, DeviceBuffer<int> targets, int rows, int vocabulary, Tensor losses) => throw new NotSupportedException();

    public void CrossEntropyForwardBackward(DeviceBuffer<int> targets, float gradientScale, int rows, int vocabulary, Tensor logits, Tensor losses) => throw new NotSupportedException();

    public void AddSum(Tensor values, int length, double scale, DeviceBuffer<double> sum) => throw new NotSupportedException();
}
