using Andrea.Cuda.Interop;
using Andrea.Tensors;

namespace Andrea.Cuda.CrossEntropy;

/// <summary>Cross-entropy on a GPU: <c>cross_entropy.cu</c>. One launch for each call, loss and gradient together.</summary>
internal sealed class CrossEntropyKernels
{
    public const string File = "cross_entropy.cu";
    public const string RowName = "k_cross_entropy", WideRowName = "k_cross_entropy_wide", AddSumName = "k_add_sum";

    /// <summary>Above that many logits a row gets more threads: with a few rows under way on each multiprocessor, they still lie in the second
    /// cache of a large GPU when the gradient needs them again.</summary>
    public const int MaxNarrowVocabulary = 12_288;

    private const int RowThreads = 256, WideRowThreads = 1024, AddSumThreads = 1024;

    private readonly CudaStream _stream;
    private readonly CudaKernel _row, _wideRow, _addSum;

    public CrossEntropyKernels(KernelLoader loader)
    {
        _stream = loader.Stream;
        CudaModule module = loader.Load(File);
        _row = module.GetKernel(RowName);
        _wideRow = module.GetKernel(WideRowName);
        _addSum = module.GetKernel(AddSumName);
    }

    public void Forward(Tensor logits, DeviceBuffer<int> targets, int rows, int vocabulary, Tensor losses) =>
        Launch(logits, targets, rows, vocabulary, losses, backward: 0, gradientScale: 0);

    public void ForwardBackward(DeviceBuffer<int> targets, float gradientScale, int rows, int vocabulary, Tensor logits, Tensor losses, bool zeroSum = false) =>
        Launch(logits, targets, rows, vocabulary, losses, zeroSum ? 2 : 1, gradientScale);

    public void AddSum(Tensor values, int length, double scale, DeviceBuffer<double> sum)
    {
        if (length == 0)
            return;
        var arguments = default(KernelArguments);
        arguments.Add(values.Address);
        arguments.Add(length);
        arguments.Add(scale);
        arguments.Add(sum.Address);
        _addSum.Launch(LaunchShape.Linear(1, AddSumThreads), _stream, ref arguments);
    }

    private void Launch(
        Tensor logits, DeviceBuffer<int> targets, int rows, int vocabulary, Tensor losses, int backward, float gradientScale)
    {
        if (rows == 0)
            return;
        var arguments = default(KernelArguments);
        arguments.Add(logits.Address);
        arguments.Add(targets.Address);
        arguments.Add(vocabulary);
        arguments.Add(backward);
        arguments.Add(gradientScale);
        arguments.Add(losses.Address);
        if (vocabulary <= MaxNarrowVocabulary)
            _row.Launch(LaunchShape.Linear(rows, RowThreads), _stream, ref arguments);
        else
            _wideRow.Launch(LaunchShape.Linear(rows, WideRowThreads), _stream, ref arguments);
    }
}
