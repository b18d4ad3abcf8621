using Andrea.Cpu;
using Andrea.Cpu.MatMul;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cpu.MatMul;

/// <summary>Every kernel against the definition: a chain of fused multiply-adds, written out in three loops. Compared bit by bit.</summary>
public sealed unsafe class MatrixProductTests : IDisposable
{
    private static readonly int[] BlockEdges = [Blocking.BlockDepth - 1, Blocking.BlockDepth, Blocking.BlockDepth + 1, 2 * Blocking.BlockDepth + 3];

    private readonly ThreadTeam _team = new(2);
    private readonly GrowOnlyMemory _scratch = new();

    public static TheoryData<string> Kernels => ["512", "256", "128", "scalar"];

    [Theory, MemberData(nameof(Kernels))]
    public void Run_AllTileEdges_IsTheDefinedChain(string kernel)
    {
        for (int rows = 1; rows <= 26; rows++)
            for (int columns = 1; columns <= 67; columns += columns is 9 or 33 ? 14 : 1)
                Check(kernel, rows, columns, depth: 1 + (rows * 5 + columns * 3) % 23, variant: rows + columns);
    }

    [Theory, MemberData(nameof(Kernels))]
    public void Run_BlockEdgesOfDepth_IsTheDefinedChain(string kernel)
    {
        foreach (int depth in BlockEdges)
            for (int variant = 0; variant < 16; variant++)
                Check(kernel, rows: 1 + variant, columns: 35, depth, variant);
    }

    [Theory, MemberData(nameof(Kernels))]
    public void Run_SharedPanelsInSeveralChunks_IsTheDefinedChain(string kernel)
    {
        // Budgets of one panel and of three panels: chunks of lanes, and chunks of k.
        foreach (long budget in (long[])[0, 3 * 32 * Blocking.BlockDepth])
        {
            Check(kernel, rows: 30, columns: 100, depth: Blocking.BlockDepth + 5, variant: 7, budget);
            Check(kernel, rows: 100, columns: 30, depth: 3 * Blocking.BlockDepth, variant: 12, budget);
        }
    }

    [Theory, MemberData(nameof(Kernels))]
    public void Run_LeftPackedOrReadInPlace_IsTheDefinedChain(string kernel)
    {
        // Rows 4 KB apart are packed, others not; so with k 2 KB apart and less. Edges of 1 to 3 and of more rows.
        foreach (int depth in (int[])[1023, 1024, 1025])
            Check(kernel, rows: 31, columns: 35, depth, variant: 4);
        foreach (int rows in (int[])[510, 511, 512, 515])
            Check(kernel, rows, columns: 140, depth: 5, variant: 1);
    }

    [Theory]
    [InlineData(384, true)]
    [InlineData(1023, true)]
    [InlineData(1024, false)]
    [InlineData(3072, false)]
    public void LeftRows_AreReadInPlace_UnlessAMultipleOf4KBApart(int depth, bool inPlace) =>
        Assert.Equal(inPlace, MatrixProduct<Kernel512>.CanReadLeftInPlace(Operand.LaneByDepth(0, 100, depth)));

    [Theory]
    [InlineData(511, true)]
    [InlineData(512, false)]
    public void LeftColumns_AreReadInPlace_WhileCloseTogether(int rows, bool inPlace) =>
        Assert.Equal(inPlace, MatrixProduct<Kernel512>.CanReadLeftInPlace(Operand.DepthByLane(0, rows)));

    [Fact]
    public void Run_Epilogue_SeesEachCompleteElementOnce()
    {
        // Columns shared, then rows; one panel at a time, then three, then all of them; one block of k, and several.
        foreach ((int rows, int columns) in ((int, int)[])[(50, 100), (20, 150)])
        {
            foreach (int depth in (int[])[7, 3 * Blocking.BlockDepth + 1])
            {
                foreach (long budget in (long[])[0, 3 * 32 * Blocking.BlockDepth, 1 << 20])
                    CheckEpilogue(rows, columns, depth, budget);
            }
        }
    }

    [Fact]
    public void RowProduct_AnySize_IsTheDefinedChain()
    {
        // Bit 1 is set in all of these variants: the right factor's lanes are contiguous.
        foreach (int variant in (int[])[2, 6, 10, 14])
        {
            for (int columns = 1; columns <= 50; columns++)
                Check("row", rows: 1, columns, depth: 1 + columns * 7 % 31, variant);
            foreach (int depth in BlockEdges)
                Check("row", rows: 1, columns: 37, depth, variant);
        }
    }

    [Fact]
    public void Check_OneBitOff_Fails() =>
        Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => AssertSameBits([1f], [MathF.BitIncrement(1f)], "control"));

    public void Dispose()
    {
        _team.Dispose();
        _scratch.Dispose();
    }

    private void CheckEpilogue(int rows, int columns, int depth, long budget)
    {
        float[] left = TestDevice.Normal(1, rows * depth), right = TestDevice.Normal(2, depth * columns);
        float[] output = new float[rows * columns], sums = new float[rows * columns];
        fixed (float* leftData = left, rightData = right, outputData = output, sumsData = sums)
        {
            var product = new Product
            {
                Left = Operand.LaneByDepth((nint)leftData, rows, depth),
                Right = Operand.DepthByLane((nint)rightData, columns),
                Depth = depth,
                Output = outputData,
                Epilogue = new Epilogue(&Add, outputData, sumsData, sumsData),
            };
            Run<Kernel512>(product, budget);
            AssertSameBits(output, sums, $"{rows} x {columns} x {depth}, budget {budget}");
        }
        AssertSameBits(Defined(left, right, null, null, rows, columns, depth, leftTransposed: false, rightTransposed: false), output, "output");
    }

    private static void Add(float* first, float* second, float* target, long stride, long rows, long columns)
    {
        for (long row = 0; row < rows; row++)
            for (long column = 0; column < columns; column++)
                target[row * stride + column] = first[row * stride + column] + second[row * stride + column];
    }

    // The bits of the variant: left transposed, right transposed, with initial, with bias.
    private void Check(string kernel, int rows, int columns, int depth, int variant, long? budget = null)
    {
        bool leftTransposed = (variant & 1) != 0, rightTransposed = (variant & 2) != 0;
        float[] left = TestDevice.Normal(1, rows * depth), right = TestDevice.Normal(2, depth * columns);
        float[]? initial = (variant & 4) != 0 ? TestDevice.Normal(3, rows * columns) : null;
        float[]? bias = (variant & 8) != 0 ? TestDevice.Normal(4, columns) : null;
        float[] expected = Defined(left, right, initial, bias, rows, columns, depth, leftTransposed, rightTransposed);
        var actual = new float[rows * columns];
        Array.Fill(actual, float.NaN);
        fixed (float* leftData = left, rightData = right, initialData = initial, biasData = bias, output = actual)
        {
            var product = new Product
            {
                Left = leftTransposed ? Operand.DepthByLane((nint)leftData, rows) : Operand.LaneByDepth((nint)leftData, rows, depth),
                Right = rightTransposed ? Operand.LaneByDepth((nint)rightData, columns, depth) : Operand.DepthByLane((nint)rightData, columns),
                Depth = depth,
                Initial = initialData,
                Bias = biasData,
                Output = output,
            };
            switch (kernel)
            {
                case "512": Run<Kernel512>(product, budget); break;
                case "256": Run<Kernel256>(product, budget); break;
                case "128": Run<Kernel128>(product, budget); break;
                case "row": RowProduct.Run(product, _team); break;
                default: Run<KernelScalar>(product, budget); break;
            }
        }
        AssertSameBits(expected, actual, $"kernel {kernel}, {rows} x {columns} x {depth}, variant {variant}");
    }

    private void Run<TKernel>(in Product product, long? budget)
        where TKernel : struct, IMicroKernel
    {
        if (budget is { } floats)
        {
            var blocking = new Blocking(
                product.Left.Lanes, product.Right.Lanes, product.Depth, TKernel.Rows, TKernel.Columns, _team.ThreadCount, floats, floats);
            MatrixProduct<TKernel>.Run(product, blocking, _team, _scratch);
        }
        else
        {
            MatrixProduct<TKernel>.Run(product, _team, _scratch);
        }
    }

    private static float[] Defined(
        float[] left, float[] right, float[]? initial, float[]? bias, int rows, int columns, int depth, bool leftTransposed, bool rightTransposed)
    {
        var output = new float[rows * columns];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                float? total = initial?[row * columns + column];
                if (bias is not null)
                    total = total is { } before ? before + bias[column] : bias[column];
                for (int start = 0; start < depth; start += Blocking.BlockDepth)
                {
                    float sum = 0;
                    for (int k = start; k < Math.Min(depth, start + Blocking.BlockDepth); k++)
                    {
                        float l = left[leftTransposed ? k * rows + row : row * depth + k];
                        float r = right[rightTransposed ? column * depth + k : k * columns + column];
                        sum = MathF.FusedMultiplyAdd(l, r, sum);
                    }
                    total = total is { } previous ? previous + sum : sum;
                }
                output[row * columns + column] = total!.Value;
            }
        }
        return output;
    }

    private static void AssertSameBits(float[] expected, float[] actual, string what)
    {
        for (int i = 0; i < expected.Length; i++)
            if (BitConverter.SingleToInt32Bits(expected[i]) != BitConverter.SingleToInt32Bits(actual[i]))
                Assert.Fail($"{what}: element {i} is {actual[i]:g9}, expected the bits of {expected[i]:g9}.");
    }
}
