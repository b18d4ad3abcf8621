using Andrea.Cuda.Interop;
using Andrea.Tensors;

namespace Andrea.Cuda.CrossEntropy;

/// <summary>What is measured about logits and their gradient on a GPU: <c>logits.cu</c>. One launch for each call, a block for each row.</summary>
internal sealed class LogitKernels
{
    public const string File = "logits.cu";
    public const string MarginsName = "k_logit_margins", RowSumsName = "k_row_sums";

    private const int Threads = 256;

    private readonly CudaStream _stream;
    private readonly CudaKernel _margins, _rowSums;

    public LogitKernels(KernelLoader loader)
    {
        _stream = loader.Stream;
        CudaModule module = loader.Load(File);
        _margins = module.GetKernel(MarginsName);
        _rowSums = module.GetKernel(RowSumsName);
    }

    public void Margins(Tensor logits, DeviceBuffer<int> targets, int rows, int vocabulary, DeviceBuffer<float> margins)
    {
        if (rows == 0)
            return;
        var arguments = default(KernelArguments);
        arguments.Add(logits.Address);
        arguments.Add(targets.Address);
        arguments.Add(vocabulary);
        arguments.Add(margins.Address);
        _margins.Launch(LaunchShape.Linear(rows, Threads), _stream, ref arguments);
    }

    public void RowSums(Tensor values, int rows, int columns, DeviceBuffer<double> sums)
    {
        if (rows == 0)
            return;
        var arguments = default(KernelArguments);
        arguments.Add(values.Address);
        arguments.Add(columns);
        arguments.Add(sums.Address);
        _rowSums.Launch(LaunchShape.Linear(rows, Threads), _stream, ref arguments);
    }
}
