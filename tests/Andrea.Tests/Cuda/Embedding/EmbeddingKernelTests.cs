using Andrea.Cuda.Embedding;
using Andrea.Tensors;
using Andrea.Tests.Cpu;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.Embedding;

public class EmbeddingKernelTests
{
    private const int Piece = EmbeddingKernels.PieceRows;

    public static TheoryData<string> Devices => KernelRuns.Devices;

    [Theory, MemberData(nameof(Devices))]
    public void ForwardAndBackward_SmallTables_GiveTheNumbersOfTheFormula(string name)
    {
        using var device = new GuardedDevice(name);
        var numbers = new EmbeddingCase(2, 2, 1, 3) { Tokens = [2, 0, 2, 2], TokenTable = [10, 20, 30], PositionTable = [1, 2], DOutput = [1, 2, 4, 8] };
        Assert.Equal([31f, 12, 31, 32], numbers.Forward(device));
        float[][] gradients = numbers.Backward(device);
        Assert.Equal([12f, 20, 43], gradients[0]);
        Assert.Equal([6f, 12], gradients[1]);
    }

    [Theory, MemberData(nameof(Devices))]
    public void ForwardAndBackward_EveryLength_AgreeWithReference(string name) =>
        KernelRuns.OnEitherAlignment(name, device =>
        {
            // More rows than a piece holds, few tokens: runs that cross it.
            for (int channels = 1; channels <= 260; channels++)
                new EmbeddingCase(4, 10, channels, 3).AssertAgreesWithReference(device);
        });

    [Theory, MemberData(nameof(Devices))]
    public void ForwardAndBackward_EveryTokenCount_AgreeWithReference(string name)
    {
        using var device = new GuardedDevice(name);
        for (int tokenCount = 0; tokenCount <= 70; tokenCount++)
            new EmbeddingCase(2, tokenCount, 5, 11).AssertAgreesWithReference(device);
    }

    [Theory, MemberData(nameof(Devices))]
    public void ForwardAndBackward_TypicalSize_AgreeWithReference(string name) =>
        KernelRuns.OnEitherAlignment(name, device =>
        {
            new EmbeddingCase(4, 64, 384, 2305).AssertAgreesWithReference(device);
            // More rows than a tile, and more tiles than spans.
            new EmbeddingCase(3, 800, 8, 65).AssertAgreesWithReference(device);
        });

    [Theory, MemberData(nameof(Devices))]
    public void Backward_OneTokenEverywhere_AgreesWithReference(string name)
    {
        using var device = new GuardedDevice(name);
        foreach (int rows in (int[])[1, Piece - 1, Piece, Piece + 1, 2 * Piece, 255, 256, 257, 1024, 2049])
            (new EmbeddingCase(1, rows, 8, 3) with { Tokens = [.. Enumerable.Repeat(1, rows)] }).AssertAgreesWithReference(device);
    }

    /// <summary>Runs that begin, end, or both, at every place of a piece.</summary>
    [Theory, MemberData(nameof(Devices))]
    public void Backward_RunsOfEveryLengthAtEveryPlace_AgreeWithReference(string name)
    {
        using var device = new GuardedDevice(name);
        for (int length = 1; length <= 2 * Piece + 1; length += 2)
            for (int before = 0; before <= Piece; before += 3)
            {
                // Tokens 0, then a run of 1, then different ones; the rows are not in the order of their tokens.
                int rows = before + length + 40;
                int[] tokens = [.. Enumerable.Range(0, rows).Select(i => i < before ? 0 : i < before + length ? 1 : i - before - length + 2)];
                int[] mixed = [.. Enumerable.Range(0, rows).Select(i => tokens[(int)(i * 389L % rows)])];
                if (rows % 389 == 0)
                    continue;
                (new EmbeddingCase(1, rows, 1, 50) with { Tokens = mixed }).AssertAgreesWithReference(device);
            }
    }

    /// <summary>Rows of one token in different tiles: large ones cancel at once, or after a small one is lost in them.</summary>
    [Theory, MemberData(nameof(Devices))]
    public void Backward_RowsOfAToken_AreAddedInAscendingOrder(string name)
    {
        using var device = new GuardedDevice(name);
        int[] places = [5, 300, 690], tokens = [.. Enumerable.Range(0, 700).Select(i => 1 + i % 7)];
        foreach (int place in places)
            tokens[place] = 0;
        foreach ((float[] values, float sum) in ((float[], float)[])[([1, 1e8f, -1e8f], 0), ([1e8f, -1e8f, 1], 1)])
        {
            var dOutput = new float[700];
            for (int i = 0; i < places.Length; i++)
                dOutput[places[i]] = values[i];
            EmbeddingCase numbers = new EmbeddingCase(1, 700, 1, 8) with { Tokens = tokens, TokenTable = new float[8], DOutput = dOutput };
            Assert.Equal(sum, numbers.Backward(device)[0][0]);
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void Forward_LaterPosition_TakesItsRow(string name)
    {
        using var device = new GuardedDevice(name);
        var later = new EmbeddingCase(1, 1, 20, 5, FirstPosition: 9);
        Assert.Equal(later.TokenTable[later.Tokens[0] * 20] + later.PositionTable[9 * 20], later.Forward(device)[0]);
    }

    [Theory, MemberData(nameof(Devices))]
    public void Backward_NaN_ReachesItsTokenAndPositionOnly(string name)
    {
        using var device = new GuardedDevice(name);
        var numbers = new EmbeddingCase(1, 70, 40, 5);
        int token = numbers.Tokens[33];
        foreach (int channel in (int[])[0, 20, 39])
        {
            var dOutput = (float[])numbers.DOutput.Clone();
            dOutput[33 * 40 + channel] = float.NaN;
            float[][] gradients = (numbers with { DOutput = dOutput }).Backward(device);
            Assert.Equal([token * 40 + channel], NaNs(gradients[0]));
            Assert.Equal([33 * 40 + channel], NaNs(gradients[1]));
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void ForwardAndBackward_AnyOrderAndAlignment_SameBits(string name)
    {
        var numbers = new EmbeddingCase(3, 200, 132, 7);
        KernelRuns.AssertSameBitsAlways(name, device => [numbers.Forward(device), .. numbers.Backward(device)]);
    }

    [Theory, MemberData(nameof(Devices))]
    public void ForwardAndBackward_AnyTensorUnaligned_SameBits(string name)
    {
        // Runs that cross pieces, which are joined, and runs within one.
        var numbers = new EmbeddingCase(2, 50, 20, 9);
        KernelRuns.AssertSameBitsWithAnyTensorUnaligned(name, device => [numbers.Forward(device), .. numbers.Backward(device)]);
    }

    [Fact]
    public void Launches_OfAnySize_FollowRowsAndChannels()
    {
        using var gpu = new FakeGpu();
        var kernels = new EmbeddingKernels(gpu.Loader, gpu.Scratch);
        using var device = TestDevice.Open("cpu-1");
        DeviceBuffer<int> tokens = device.Tokens(0);
        string[] Launch(int batch, int tokenCount, int channels) => gpu.Launches(() =>
        {
            kernels.Forward(tokens, default, default, 0, batch, tokenCount, channels, default);
            kernels.Backward(default, tokens, batch, tokenCount, channels, default, default);
        });
        Assert.Empty(Launch(0, 10, 768));
        Assert.Empty(Launch(10, 0, 768));
        Assert.Equal(
            [
                "k_embedding_fwd<1024, 256>", "k_embedding_bwd_positions<1024 x 3, 64>", "k_embedding_bwd_count<32 x 8, 256>",
                "k_embedding_bwd_sort<32, 256>", "k_embedding_bwd_runs<256 x 3, 64>", "k_embedding_bwd_join<255 x 3, 64>",
            ],
            Launch(8, 1024, 768));
        Assert.Equal(
            [
                "k_embedding_fwd<2, 256>", "k_embedding_bwd_positions<9, 64>", "k_embedding_bwd_count<1, 256>", "k_embedding_bwd_sort<1, 256>",
                "k_embedding_bwd_runs<1, 64>",
            ],
            Launch(1, 9, 4));
        Assert.Throws<OverflowException>(() => Launch(1 << 16, 1 << 16, 1));
    }

    [Fact]
    public void Launches_AndKernel_AgreeOnTheBlock() =>
        KernelRuns.AssertDefines(EmbeddingKernels.File, "TILE = 256", $"PIECE = {EmbeddingKernels.PieceRows}", "SLICE = 64");

    [Fact]
    public void ForwardAndBackward_Again_AllocateNothing()
    {
        using var gpu = new FakeGpu();
        var kernels = new EmbeddingKernels(gpu.Loader, gpu.Scratch);
        using var device = TestDevice.Open("cpu-1");
        DeviceBuffer<int> tokens = device.Tokens(0);
        gpu.AssertAllocatesNothing(() =>
        {
            kernels.Forward(tokens, default, default, 0, 3, 50, 20, default);
            kernels.Backward(default, tokens, 3, 50, 20, default, default);
        });
    }

    private static int[] NaNs(float[] values) => [.. Enumerable.Range(0, values.Length).Where(i => float.IsNaN(values[i]))];
}
