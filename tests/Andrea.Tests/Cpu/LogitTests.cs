using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cpu;

/// <summary>Margins, row sums and zero-sum gradients on every CPU backend.</summary>
public class LogitTests
{
    public static TheoryData<string> Devices => TestDevice.Names;

    [Theory, MemberData(nameof(Devices))]
    public void MarginsSumsAndZeroSums_AreThoseOfTheFormula(string name) => LogitChecks.All(name);
}

/// <summary>What is asked of every backend.</summary>
internal static class LogitChecks
{
    public static void All(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        Extremes(test);
        foreach ((int rows, int vocabulary) in new[] { (1, 1), (3, 2), (5, 31), (2, 255), (2, 256), (2, 257), (7, 2305), (2, 12_289) })
        {
            float[] logits = TestDevice.Normal(1, (long)rows * vocabulary, 3);
            int[] targets = [.. Enumerable.Range(0, rows).Select(row => row * 7919 % vocabulary)];
            Sizes(test, rows, vocabulary, logits, targets);
            ZeroSum(test, rows, vocabulary, logits, targets);
        }
    }

    private static void Sizes(TestDevice test, int rows, int vocabulary, float[] logits, int[] targets)
    {
        (float[] margins, double[] sums) = Measure(test, rows, vocabulary, logits, targets);
        using TestDevice reference = TestDevice.Open("reference");
        (float[] expectedMargins, double[] expectedSums) = Measure(reference, rows, vocabulary, logits, targets);
        Assert.Equal(expectedMargins.Select(BitConverter.SingleToUInt32Bits), margins.Select(BitConverter.SingleToUInt32Bits));
        Assert.Equal(expectedSums.Select(BitConverter.DoubleToUInt64Bits), sums.Select(BitConverter.DoubleToUInt64Bits));
        for (int row = 0; row < rows; row++)
        {
            float[] z = logits[(row * vocabulary)..((row + 1) * vocabulary)];
            float other = z.Where((_, j) => j != targets[row]).DefaultIfEmpty(float.NegativeInfinity).Max();
            Assert.Equal(z[targets[row]] - other, margins[row]);
            Assert.Equal(z.Sum(value => (double)value), sums[row], 1e-9);
        }
    }

    private static void Extremes(TestDevice test)
    {
        float[] logits = [1, float.NaN, 3, float.NaN, 2, 1, float.PositiveInfinity, 0, 1, float.NegativeInfinity, float.NegativeInfinity, 4];
        (float[] margins, double[] sums) = Measure(test, 4, 3, logits, [2, 0, 1, 2]);
        Assert.Equal([2, float.NaN, float.NegativeInfinity, float.PositiveInfinity], margins);
        Assert.Equal([double.NaN, double.NaN, double.PositiveInfinity, double.NegativeInfinity], sums);
    }

    /// <summary>Others as without; the target's is minus their sum, also where its share rounds to 1.</summary>
    private static void ZeroSum(TestDevice test, int rows, int vocabulary, float[] logits, int[] targets)
    {
        float[] sure = [.. logits];
        for (int row = 0; row < rows; row++)
            sure[row * vocabulary + targets[row]] = 40;
        foreach (float[] z in new[] { logits, sure })
        {
            (float[] losses, float[] own) = Gradient(test, rows, vocabulary, z, targets, zeroSum: false);
            (float[] sameLosses, float[] gradient) = Gradient(test, rows, vocabulary, z, targets, zeroSum: true);
            Assert.Equal(losses, sameLosses);
            for (int row = 0; row < rows; row++)
            {
                int at = row * vocabulary + targets[row];
                double others = 0;
                for (int j = row * vocabulary; j < (row + 1) * vocabulary; j++)
                {
                    if (j == at)
                        continue;
                    Assert.Equal(own[j], gradient[j]);
                    others += gradient[j];
                }
                Assert.Equal(-others, gradient[at], 1.2e-7 * others);
                Assert.Equal(own[at], gradient[at], 1e-6);
                if (z == sure && vocabulary > 1)
                    Assert.True(gradient[at] < 0);
            }
        }
    }

    private static (float[] Losses, float[] Gradient) Gradient(TestDevice test, int rows, int vocabulary, float[] logits, int[] targets, bool zeroSum)
    {
        Tensor z = test.Tensor(logits), losses = test.Zeros(rows);
        test.Backend.CrossEntropyForwardBackward(Tokens(test, targets), 1, rows, vocabulary, z, losses, zeroSum);
        return (losses.ToArray(), z.ToArray());
    }

    private static (float[] Margins, double[] Sums) Measure(TestDevice test, int rows, int vocabulary, float[] logits, int[] targets)
    {
        Tensor z = test.Tensor(logits);
        DeviceBuffer<float> margins = test.Buffer<float>(rows);
        DeviceBuffer<double> sums = test.Buffer<double>(rows);
        test.Backend.LogitMargins(z, Tokens(test, targets), rows, vocabulary, margins);
        test.Backend.RowSums(z, rows, vocabulary, sums);
        (float[] marginsRead, double[] sumsRead) = (new float[rows], new double[rows]);
        margins.CopyTo(marginsRead);
        sums.CopyTo(sumsRead);
        return (marginsRead, sumsRead);
    }

    private static DeviceBuffer<int> Tokens(TestDevice test, int[] targets)
    {
        DeviceBuffer<int> tokens = test.Buffer<int>(targets.Length);
        tokens.CopyFrom(targets);
        return tokens;
    }
}
