using Andrea.Cpu.Attention;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cpu.Attention;

public unsafe class TilePackingTests
{
    [Fact]
    public void Load_AnyHeadSize_PadsWithZeros()
    {
        for (int headSize = 1; headSize <= 100; headSize++)
        {
            int padded = (headSize + 15) / 16 * 16;
            float[] source = TestDevice.Normal(1, 2 * 150 + headSize), target = new float[3 * padded];
            Array.Fill(target, float.NaN);
            fixed (float* from = source, to = target)
                TilePacking.Load(from, 150, 3, headSize, 0.5f, to, padded);
            for (int row = 0; row < 3; row++)
                for (int i = 0; i < padded; i++)
                    Assert.Equal(i < headSize ? source[row * 150 + i] * 0.5f : 0, target[row * padded + i]);
        }
    }

    [Fact]
    public void Store_AnyHeadSize_WritesNothingElse()
    {
        for (int headSize = 1; headSize <= 100; headSize++)
        {
            float[] source = TestDevice.Normal(1, 3 * 112), target = new float[3 * 150];
            Array.Fill(target, 7);
            fixed (float* from = source, to = target)
                TilePacking.Store(from, 112, 3, headSize, 0.5f, to, 150);
            for (int row = 0; row < 3; row++)
                for (int i = 0; i < 150; i++)
                    Assert.Equal(i < headSize ? source[row * 112 + i] * 0.5f : 7, target[row * 150 + i]);
        }
    }

    [Fact]
    public void Store_MinusZero_BecomesZero()
    {
        float[] source = new float[48], target = new float[48];
        Array.Fill(source, -0f);
        fixed (float* from = source, to = target)
            TilePacking.Store(from, 48, 1, 45, 1, to, 48);
        Assert.All(target, value => Assert.Equal(0u, BitConverter.SingleToUInt32Bits(value)));
    }

    [Fact]
    public void Transpose_EverySize_PutsRowsInColumns()
    {
        foreach (int rows in (int[])[16, 32, 48, 64])
        {
            foreach (int columns in (int[])[16, 32, 80])
            {
                float[] source = TestDevice.Normal(1, rows * columns), target = new float[columns * AttentionShape.Tile];
                fixed (float* from = source, to = target)
                    TilePacking.Transpose(from, rows, columns, to);
                for (int row = 0; row < rows; row++)
                    for (int column = 0; column < columns; column++)
                        Assert.Equal(source[row * columns + column], target[column * AttentionShape.Tile + row]);
            }
        }
    }

    [Fact]
    public void HasNonFinite_AnyPlace_IsSeen()
    {
        foreach (int length in (int[])[16, 48, 64, 80, 144])
        {
            float[] values = TestDevice.Normal(1, length, 1e30);
            Assert.False(HasNonFinite(values));
            for (int i = 0; i < length; i++)
            {
                foreach (float bad in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
                {
                    float kept = values[i];
                    values[i] = bad;
                    Assert.True(HasNonFinite(values));
                    values[i] = kept;
                }
            }
        }
    }

    private static bool HasNonFinite(float[] values)
    {
        fixed (float* first = values)
            return TilePacking.HasNonFinite(first, values.Length);
    }
}
