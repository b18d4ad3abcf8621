using Andrea.Cpu.CrossEntropy;
using Andrea.Tensors;

namespace Andrea.Cpu;

internal sealed partial class CpuBackend
{
    public void CrossEntropyForward(Tensor logits, DeviceBuffer<int> targets, int rows, int vocabulary, Tensor losses) =>
        CrossEntropy(targets, rows, vocabulary, logits, losses, backward: false, gradientScale: 0, zeroSum: false);

    public void CrossEntropyForwardBackward(
        DeviceBuffer<int> targets, float gradientScale, int rows, int vocabulary, Tensor logits, Tensor losses, bool zeroSum = false) =>
        CrossEntropy(targets, rows, vocabulary, logits, losses, backward: true, gradientScale, zeroSum);

    public unsafe void AddSum(Tensor values, int length, double scale, DeviceBuffer<double> sum)
    {
        var elements = (float*)values.Address;
        double total = 0;
        for (int i = 0; i < length; i++)
            total += elements[i];
        *(double*)sum.Address += scale * total;
    }

    private unsafe void CrossEntropy(
        DeviceBuffer<int> targets, int rows, int vocabulary, Tensor logits, Tensor losses, bool backward, float gradientScale, bool zeroSum)
    {
        var work = new CrossEntropyWork
        {
            Logits = (float*)logits.Address,
            Targets = (int*)targets.Address,
            Losses = (float*)losses.Address,
            Vocabulary = vocabulary,
            Backward = backward,
            GradientScale = gradientScale,
            ZeroSum = zeroSum,
        };
        _team.Run(ref work, rows, RowsPerTake(vocabulary));
    }
}
