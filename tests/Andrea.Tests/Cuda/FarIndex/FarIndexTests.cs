using Andrea.Cuda.Activation;
using Andrea.Cuda.Attention;
using Andrea.Cuda.CrossEntropy;
using Andrea.Cuda.Interop;
using Andrea.Cuda.Linear;
using Andrea.Cuda.Norm;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.FarIndex;

/// <summary>Kernels count elements beyond what 32 bits hold: the last block of a large problem gives the bits it would give as the first.</summary>
public class FarIndexTests
{
    // Large enough that a few ten thousand rows are more than 2^31 elements.
    private const int Vocabulary = 50_257;

    [Fact]
    public void CrossEntropy_LogitsBeyond2To31_SameBits() => FarGpu.AssertSameBits(1, 42_800, (gpu, rows) =>
    {
        long first = (rows - 1L) * Vocabulary;
        nint logits = gpu.Floats((long)rows * Vocabulary, first, TestDevice.Normal(1, Vocabulary)), losses = gpu.Floats(rows);
        nint targets = gpu.Floats(rows, rows - 1, [BitConverter.Int32BitsToSingle(77)]);
        gpu.RunLastBlock(
            CrossEntropyKernels.File, CrossEntropyKernels.WideRowName, LaunchShape.Linear(rows, 1024), logits, targets, Vocabulary, 1, 0.5f, losses);
        return [.. gpu.Read(losses, rows - 1, 1), .. gpu.Read(logits, first, Vocabulary)];
    });

    [Fact]
    public void NormForward_ElementsBeyond2To31_SameBits() => FarGpu.AssertSameBits(1, (1 << 21) + 3, (gpu, rows) =>
    {
        const int Channels = 1024;
        long length = (long)rows * Channels, first = length - Channels;
        nint input = gpu.Floats(length, first, TestDevice.Normal(1, Channels)), output = gpu.Floats(length);
        nint weight = gpu.Floats(TestDevice.Normal(2, Channels)), mean = gpu.Floats(rows), scale = gpu.Floats(rows);
        gpu.RunLastBlock(
            NormKernels.File, NormKernels.ForwardWideName, LaunchShape.Linear(rows, 256), input, weight, weight, 1e-5f, rows, Channels, output, mean,
            scale);
        return [.. gpu.Read(output, first, Channels), .. gpu.Read(mean, rows - 1, 1), .. gpu.Read(scale, rows - 1, 1)];
    });

    [Fact]
    public void NormBackward_ElementsBeyond2To31_SameBits() => FarGpu.AssertSameBits(13, 16 * 174_770 - 3, (gpu, rows) =>
    {
        const int Channels = 768, ShareRows = 16, Last = 13;
        int shares = (rows - 1) / ShareRows + 1, firstRow = rows - Last;
        long length = (long)rows * Channels, first = (long)firstRow * Channels, sumsLength = 2L * shares * Channels;
        nint Rows(ulong seed) => gpu.Floats(length, first, TestDevice.Normal(seed, Last * Channels));
        nint Statistic(ulong seed) => gpu.Floats(rows, firstRow, TestDevice.Normal(seed, Last));
        nint dInput = Rows(3), sums = gpu.Floats(sumsLength);
        gpu.RunLastBlock(
            NormKernels.File, NormKernels.BackwardName, LaunchShape.Linear(shares, 256), Rows(1), Rows(2), gpu.Floats(TestDevice.Normal(6, Channels)),
            Statistic(4), Statistic(5), rows, Channels, ShareRows, dInput, sums);
        return [.. gpu.Read(dInput, first, Last * Channels), .. gpu.Read(sums, sumsLength - 2 * Channels, 2 * Channels)];
    });

    [Fact]
    public void LinearForward_OutputsBeyond2To32_SameBits() => FarGpu.AssertSameBits(64, 64 * 1340, (gpu, rows) =>
    {
        const int Inputs = 8, Span = 64;
        int tiles = rows / Span * ((Vocabulary - 1) / Span + 1);
        long first = (long)(rows - Span) * Vocabulary;
        nint input = gpu.Floats((long)rows * Inputs, (rows - Span) * (long)Inputs, TestDevice.Normal(1, Span * Inputs));
        nint weight = gpu.Floats(TestDevice.Normal(2, Vocabulary * Inputs)), output = gpu.Floats((long)rows * Vocabulary);
        gpu.RunLastBlock(
            TiledLinear.TileFile, TiledLinear.ForwardSmallName, LaunchShape.Linear(tiles, 128), input, weight, (nint)0, (nint)0, output, rows, Inputs,
            Vocabulary);
        return gpu.Read(output, first, Span * Vocabulary);
    });

    [Fact]
    public void LinearBackwardInput_GradientsBeyond2To31_SameBits() => FarGpu.AssertSameBits(64, 64 * 700, (gpu, rows) =>
    {
        const int Inputs = 8, Span = 64;
        long first = (long)(rows - Span) * Vocabulary;
        nint dOutput = gpu.Floats((long)rows * Vocabulary, first, TestDevice.Normal(1, Span * Vocabulary));
        nint weight = gpu.Floats(TestDevice.Normal(2, Vocabulary * Inputs)), dInput = gpu.Floats((long)rows * Inputs);
        gpu.RunLastBlock(
            TiledLinear.TileFile, TiledLinear.InputSmallName, LaunchShape.Linear(rows / Span, 128), dOutput, weight, dInput, rows, Inputs, Vocabulary);
        return gpu.Read(dInput, (rows - Span) * (long)Inputs, Span * Inputs);
    });

    [Fact]
    public void BiasGradient_ElementsBeyond2To31_SameBits() => FarGpu.AssertSameBits(128, 128 * 340, (gpu, rows) =>
    {
        const int ShareRows = 128, Strip = 128;
        int strips = (Vocabulary - 1) / Strip + 1, shares = rows / ShareRows;
        long first = (long)(rows - ShareRows) * Vocabulary;
        nint matrix = gpu.Floats((long)rows * Vocabulary, first, TestDevice.Normal(1, ShareRows * Vocabulary));
        nint partials = gpu.Floats((long)shares * Vocabulary);
        gpu.RunLastBlock(
            BiasGradient.File, BiasGradient.PartialName, LaunchShape.Linear(shares * strips, 256), matrix, rows, Vocabulary, ShareRows, partials);
        return gpu.Read(partials, (shares - 1L) * Vocabulary, Vocabulary);
    });

    [Fact]
    public void Activation_ElementsBeyond2To31_SameBits() => FarGpu.AssertSameBits(1, (1 << 20) + 2, (gpu, blocks) =>
    {
        const int Piece = 2048, Last = 1001;
        long first = (blocks - 1L) * Piece, length = first + Last;
        nint input = gpu.Floats(length, first, TestDevice.Normal(1, Last)), output = gpu.Floats(length);
        gpu.RunLastBlock(ActivationKernels.File, ActivationKernels.GeluForwardName, LaunchShape.Linear(blocks, 256), input, length, output);
        return gpu.Read(output, first, Last);
    });

    [Fact]
    public void Attention_ElementsBeyond2To31_SameBits() => FarGpu.AssertSameBits(1, 710_000, (gpu, batch) =>
    {
        const int Tokens = 16, HeadSize = 64, Row = Tokens * 3 * HeadSize, Head = Tokens * HeadSize;
        LaunchShape shape = LaunchShape.Linear(batch, 64);
        long last = batch - 1;
        nint qkv = gpu.Floats((long)batch * Row, last * Row, TestDevice.Normal(1, Row)), dQkv = gpu.Floats((long)batch * Row);
        nint output = gpu.Floats((long)batch * Head), sums = gpu.Floats((long)batch * Tokens);
        gpu.RunLastBlock(AttentionKernels.ForwardFile, AttentionKernels.ForwardName, shape, qkv, output, sums, Tokens, 1, HeadSize, batch, 0.125f);
        nint dOutput = gpu.Floats((long)batch * Head, last * Head, TestDevice.Normal(2, Head));
        nint delta = gpu.Floats((long)batch * Tokens, last * Tokens, TestDevice.Normal(3, Tokens));
        foreach (string kernel in (string[])[AttentionKernels.BackwardQueryName, AttentionKernels.BackwardKeyName])
            gpu.RunLastBlock(
                AttentionKernels.BackwardFile, kernel, shape, dOutput, qkv, sums, delta, dQkv, Tokens, 1, HeadSize, batch, 0.125f);
        return [.. gpu.Read(output, last * Head, Head), .. gpu.Read(dQkv, last * Row, Row)];
    });
}
