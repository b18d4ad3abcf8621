using Andrea.Tensors;
using Andrea.Tests.Cpu;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.Linear;

/// <summary>A bias's gradient is the sum that <c>column_sums.cu</c> defines, to the bit.</summary>
public class ColumnSumTests
{
    public static TheoryData<string> Devices => TiledLinearTests.Devices;

    [Theory, MemberData(nameof(Devices))]
    public void ColumnSums_AroundSharesAndBlocks_AreTheDefinedSums(string name)
    {
        using var device = new GuardedDevice(name);
        (int, int)[] sizes = [(1, 1), (7, 31), (8, 32), (9, 33), (255, 5), (256, 64), (257, 65), (515, 200), (2100, 3), (0, 4), (4, 0)];
        foreach ((int rows, int columns) in sizes)
        {
            float[] matrix = TestDevice.Normal(1, rows * columns), before = TestDevice.Normal(2, columns);
            Tensor sums = device.InOut(before), none = device.InOut([]);
            device.Backend.LinearBackwardWeight(device.Input(matrix), none, rows, 0, columns, none, sums);
            Bits.AssertEqual($"{rows} x {columns}", Defined(matrix, rows, columns, before), sums.ToArray());
            device.AssertGuards();
        }
    }

    private static float[] Defined(float[] matrix, int rows, int columns, float[] before)
    {
        float[] sums = [.. before];
        Span<float> accumulators = stackalloc float[8];
        for (int column = 0; column < columns && rows > 0; column++)
        {
            float total = 0;
            for (int share = 0; share < rows; share += 256)
            {
                accumulators.Clear();
                for (int row = share; row < Math.Min(share + 256, rows); row++)
                    accumulators[(row - share) % 8] += matrix[row * columns + column];
                float sum = accumulators[0];
                foreach (float accumulator in accumulators[1..])
                    sum += accumulator;
                total = share == 0 ? sum : total + sum;
            }
            sums[column] += total;
        }
        return sums;
    }
}
