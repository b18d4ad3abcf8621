using Andrea.Cpu.CrossEntropy;
using Andrea.Tensors;

namespace Andrea.Cpu;

internal sealed partial class CpuBackend
{
    public unsafe void LogitMargins(Tensor logits, DeviceBuffer<int> targets, int rows, int vocabulary, DeviceBuffer<float> margins)
    {
        var work = new MarginWork
        {
            Logits = (float*)logits.Address,
            Targets = (int*)targets.Address,
            Margins = (float*)margins.Address,
            Vocabulary = vocabulary,
        };
        _team.Run(ref work, rows, RowsPerTake(vocabulary));
    }

    public unsafe void RowSums(Tensor values, int rows, int columns, DeviceBuffer<double> sums)
    {
        var work = new RowSumWork { Values = (float*)values.Address, Sums = (double*)sums.Address, Columns = columns };
        _team.Run(ref work, rows, RowsPerTake(columns));
    }
}
