using Andrea.Cpu;
using Andrea.Cpu.MatMul;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cpu;

/// <summary>The same bits for any number of threads, on every run, on every instruction set, and for a row alone or among others.</summary>
public class LinearDeterminismTests : IFingerprint
{
    // Small, since a child without hardware intrinsics calls a function for each fused multiply-add.
    private static readonly LinearCase[] Layers = [new(1, 65, 70), new(5, 390, 33), new(29, 40, 100), new(64, 96, 32), new(390, 17, 9)];

    static string IFingerprint.Fingerprint() => Digests(threads: 2);

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public void Linear_SeveralThreads_SameBitsAsOne(int threads) => Assert.Equal(Digests(1), Digests(threads));

    [Fact]
    public void Linear_LargerLayer_SameBitsForAnyThreads()
    {
        var layer = new LinearCase(500, 400, 410);
        string one = layer.Digest(1);
        foreach (int threads in (int[])[2, 3, 7])
            Assert.Equal(one, layer.Digest(threads));
    }

    [Fact]
    public void Linear_Repeated_SameBits()
    {
        string first = Digests(3);
        for (int run = 0; run < 5; run++)
            Assert.Equal(first, Digests(3));
    }

    [Theory, MemberData(nameof(InstructionSetRunner.Narrower), MemberType = typeof(InstructionSetRunner))]
    public void Linear_NarrowerInstructionSet_SameBits(string instructionSet) =>
        Assert.Equal(Digests(2), InstructionSetRunner.Fingerprint<LinearDeterminismTests>(instructionSet));

    /// <summary>What makes generation token by token agree with a pass over the whole text.</summary>
    [Fact]
    public void LinearForward_RowAlone_SameBitsAsAmongOthers()
    {
        var layer = new LinearCase(50, 400, 100);
        using TestDevice device = TestDevice.Open("cpu-2");
        float[] together = layer.Run(device)["output"];
        Tensor weight = device.Tensor(layer.Weight), none = Tensor.None;
        for (int row = 0; row < layer.Rows; row++)
        {
            Tensor output = device.Poisoned(layer.OutputSize);
            Tensor input = device.Tensor(layer.Input[(row * layer.InputSize)..((row + 1) * layer.InputSize)]);
            device.Backend.LinearForward(input, weight, none, none, 1, layer.InputSize, layer.OutputSize, output);
            Assert.Equal(BitDigest.Of<float>(together.AsSpan(row * layer.OutputSize, layer.OutputSize)), BitDigest.Of(output));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public unsafe void ColumnSums_AnyThreads_IsTheDefinedSum(int threads)
    {
        using var team = new ThreadTeam(threads);
        (int, int)[] sizes = [(1, 1), (3, 15), (4, 17), (255, 63), (256, 64), (257, 65), (515, 200), (70, 1030), (9, 4200)];
        foreach ((int rows, int columns) in sizes)
        {
            float[] matrix = TestDevice.Normal(1, rows * columns), actual = TestDevice.Normal(2, columns), expected = [.. actual];
            for (int column = 0; column < columns; column++)
            {
                for (int start = 0; start < rows; start += 256)
                {
                    float sum = 0;
                    for (int row = start; row < Math.Min(rows, start + 256); row++)
                        sum += matrix[row * columns + column];
                    expected[column] += sum;
                }
            }
            fixed (float* matrixData = matrix, sums = actual)
                ColumnSums.Add(matrixData, rows, columns, sums, team);
            Assert.Equal(BitDigest.Of<float>(expected), BitDigest.Of<float>(actual));
        }
    }

    private static string Digests(int threads) => string.Join('\n', Layers.Select(layer => layer.Digest(threads)));
}
