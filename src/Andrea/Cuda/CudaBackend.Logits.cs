using Andrea.Cuda.CrossEntropy;
using Andrea.Tensors;

namespace Andrea.Cuda;

internal sealed partial class CudaBackend
{
    private LogitKernels? _logits;

    private LogitKernels LogitKernels => _logits ??= new LogitKernels(_loader);

    public void LogitMargins(Tensor logits, DeviceBuffer<int> targets, int rows, int vocabulary, DeviceBuffer<float> margins) =>
        LogitKernels.Margins(logits, targets, rows, vocabulary, margins);

    public void RowSums(Tensor values, int rows, int columns, DeviceBuffer<double> sums) => LogitKernels.RowSums(values, rows, columns, sums);
}
