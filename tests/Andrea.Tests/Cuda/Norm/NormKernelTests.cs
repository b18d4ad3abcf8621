using Andrea.Cuda.Norm;
using Andrea.Tensors;
using Andrea.Tests.Cpu;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.Norm;

public class NormKernelTests
{
    // More rows than the shares hold at one round of warps each, so that warps take several rows.
    private const int ManyRows = NormKernels.MaxShares * 8 + 5;

    public static MatrixTheoryData<string, NormKind> Runs =>
        new(KernelRuns.Devices.Select(row => row.Data), [NormKind.LayerNorm, NormKind.RmsNorm]);

    [Theory, MemberData(nameof(Runs))]
    public void ForwardAndBackward_EveryLength_AgreeWithReference(string name, NormKind kind) =>
        KernelRuns.OnEitherAlignment(name, device =>
        {
            for (int channels = 1; channels <= 257; channels++)
                new NormCase(kind, HasBias: channels % 3 != 0, 3, channels).AssertAgreesWithReference(device);
        });

    [Theory, MemberData(nameof(Runs))]
    public void ForwardAndBackward_LongRows_AgreeWithReference(string name, NormKind kind) =>
        KernelRuns.OnEitherAlignment(name, device =>
        {
            // Around what a warp holds in registers, and around what a block does.
            foreach (int channels in (int[])[383, 384, 767, 768, 769, 772, 1536, 4095, 4096, 4097, 4100, 9001])
                new NormCase(kind, HasBias: true, 10, channels).AssertAgreesWithReference(device);
        });

    [Theory, MemberData(nameof(Runs))]
    public void ForwardAndBackward_EveryRowCount_AgreeWithReference(string name, NormKind kind)
    {
        using var device = new GuardedDevice(name);
        for (int rows = 0; rows <= 70; rows++)
            new NormCase(kind, HasBias: true, rows, 35).AssertAgreesWithReference(device);
    }

    [Theory, MemberData(nameof(Runs))]
    public void ForwardAndBackward_ManyRows_AgreeWithReference(string name, NormKind kind)
    {
        using var device = new GuardedDevice(name);
        new NormCase(kind, HasBias: true, ManyRows, 20).AssertAgreesWithReference(device);
    }

    [Theory, MemberData(nameof(Runs))]
    public void Backward_GradientsAlreadyThere_AreAddedTo(string name, NormKind kind)
    {
        using var device = new GuardedDevice(name);
        foreach (int channels in (int[])[50, 1030])
            foreach (bool hasBias in (bool[])[true, false])
            {
                var numbers = new NormCase(kind, hasBias, 40, channels);
                float[][] fromZero = numbers.Backward(device), fromThree = numbers.Backward(device, start: 3);
                for (int i = 0; i < fromZero.Length; i++)
                    Tolerance.Accumulated.AssertClose($"gradient {i}", [.. fromZero[i].Select(value => value + 3)], fromThree[i]);
            }
    }

    /// <summary>Shares of one warp of the join, and of several, that cancel: in f32 the sum would be 0.</summary>
    [Theory, MemberData(nameof(Runs))]
    public void Backward_SharesThatCancel_AreJoinedInDoublePrecision(string name, NormKind kind)
    {
        using var device = new GuardedDevice(name);
        foreach (int distance in (int[])[1, 32])
        {
            const int Channels = 4, ShareRows = 8;
            int rows = (2 * distance + 1) * ShareRows;
            Assert.Equal(ShareRows, NormKernels.ShareRows(rows));
            var dOutput = new float[rows * Channels];
            for (int i = 0; i < 3; i++)
                dOutput.AsSpan(i * distance * ShareRows * Channels, Channels).Fill(i == 1 ? 1 : 1e8f * (1 - i));
            float[][] gradients = (new NormCase(kind, HasBias: true, rows, Channels) with { DOutput = dOutput }).Backward(device);
            Assert.Equal([1f, 1, 1, 1], gradients[2]);
        }
    }

    [Theory, MemberData(nameof(Runs))]
    public void ForwardAndBackward_AnyOrderAndAlignment_SameBits(string name, NormKind kind)
    {
        foreach ((int rows, int channels) in ((int, int)[])[(37, 260), (ManyRows, 12), (20, 4104), (5, 1031)])
        {
            var numbers = new NormCase(kind, HasBias: true, rows, channels);
            KernelRuns.AssertSameBitsAlways(name, device => [.. numbers.Forward(device), .. numbers.Backward(device)]);
        }
    }

    [Theory, MemberData(nameof(Runs))]
    public void ForwardAndBackward_AnyTensorUnaligned_SameBits(string name, NormKind kind)
    {
        // What a warp does, and what a block does.
        foreach (int channels in (int[])[64, 2048])
        {
            var numbers = new NormCase(kind, HasBias: true, 3, channels);
            KernelRuns.AssertSameBitsWithAnyTensorUnaligned(name, device => [.. numbers.Forward(device), .. numbers.Backward(device)]);
        }
    }

    [Theory, MemberData(nameof(Runs))]
    public void Forward_NonFiniteElement_SpoilsItsRowAsInTheReferenceAndNoOther(string name, NormKind kind)
    {
        using var device = new GuardedDevice(name);
        foreach (float bad in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity])
            foreach (int channels in (int[])[37, 1025])
                foreach (int position in (int[])[0, channels / 2, channels - 1])
                    new NormCase(kind, HasBias: true, 3, channels).AssertSpoilsItsRow(device, position, bad);
    }

    [Theory, MemberData(nameof(Runs))]
    public void Backward_NaN_ReachesItsRowAndItsChannelOnly(string name, NormKind kind)
    {
        using var device = new GuardedDevice(name);
        foreach (int channels in (int[])[37, 1025])
        {
            var numbers = new NormCase(kind, HasBias: true, 3, channels);
            numbers.DOutput[channels + 5] = float.NaN;
            float[][] gradients = numbers.Backward(device);
            Assert.Equal(Enumerable.Range(channels, channels), NaNs(gradients[0]));
            Assert.Equal([5], NaNs(gradients[1]));
            Assert.Equal([5], NaNs(gradients[2]));
        }
    }

    [Theory, MemberData(nameof(KernelRuns.Devices), MemberType = typeof(KernelRuns))]
    public void Forward_LargeOffset_KeepsTheVariance(string name)
    {
        // E[x^2] - E[x]^2 in float32 would be off by 0.06 here, in a variance of 1.
        using var reference = new GuardedDevice("reference");
        using var device = new GuardedDevice(name);
        foreach (int channels in (int[])[512, 2048])
        {
            float[] input = [.. TestDevice.Normal(5, 2 * channels).Select(value => value + 1000)];
            NormCase numbers = new NormCase(NormKind.LayerNorm, false, 2, channels) with { Input = input };
            float[][] expected = numbers.Forward(reference), actual = numbers.Forward(device);
            Tolerance.Elementwise.AssertClose("inverse scale", expected[2], actual[2]);
            // The mean is rounded to float32: half a unit in the last place of 1000 is 3e-5.
            Tolerance.Chained.AssertClose("output", expected[0], actual[0]);
        }
    }

    [Theory, MemberData(nameof(Runs))]
    public void Forward_HugeAndTinyValues_AgreeWithReference(string name, NormKind kind)
    {
        using var device = new GuardedDevice(name);
        using var reference = new GuardedDevice("reference");
        // Squares still fit; and denormals, of which the epsilon makes next to nothing.
        foreach (double scale in (double[])[1e17, 1e-41])
        {
            NormCase numbers = new NormCase(kind, false, 2, 40) with { Input = TestDevice.Normal(5, 80, scale) };
            float[][] expected = numbers.Forward(reference), actual = numbers.Forward(device);
            Tolerance.Elementwise.AssertClose("output", expected[0], actual[0]);
            Tolerance.Elementwise.AssertClose("inverse scale", expected[2], actual[2]);
        }
    }

    [Theory, MemberData(nameof(KernelRuns.Devices), MemberType = typeof(KernelRuns))]
    public void Forward_ConstantRow_IsTheBias(string name)
    {
        var numbers = new NormCase(NormKind.LayerNorm, true, 1, 100);
        Array.Fill(numbers.Input, 0.25f);
        using var device = new GuardedDevice(name);
        Assert.Equal(numbers.Bias, numbers.Forward(device)[0]);
    }

    [Theory, MemberData(nameof(KernelRuns.Devices), MemberType = typeof(KernelRuns))]
    public void Backward_HugeMeanTimesScale_StaysWithinTheRow(string name)
    {
        // Where the mean times the inverse scale overflows, elements beyond the row would give Inf * 0 = NaN.
        using var device = new GuardedDevice(name);
        Tensor dInput = device.InOut(new float[3]), dWeight = device.InOut(new float[3]);
        device.Backend.NormBackward(
            NormKind.LayerNorm, device.Input([1, 2, 3]), device.Input([1e37f, 1e37f, 1e37f]), device.Input([1, 1, 1]), device.Input([1e37f]),
            device.Input([316]), 1, 3, dInput, dWeight, Tensor.None);
        Assert.Equal([-316f, 0, 316], dInput.ToArray());
        Assert.Equal([0f, 0, 0], dWeight.ToArray());
    }

    [Fact]
    public void Launches_OfAnySize_FollowRowsAndChannels()
    {
        using var gpu = new FakeGpu();
        var kernels = new NormKernels(gpu.Loader, gpu.Scratch);
        using var device = TestDevice.Open("cpu-1");
        Tensor some = device.Zeros(1);
        string[] Launch(int rows, int channels, Tensor bias) => gpu.Launches(() =>
        {
            kernels.Forward(NormKind.LayerNorm, some, some, bias, 1e-5f, rows, channels, some, some, some);
            kernels.Backward(NormKind.LayerNorm, some, some, some, some, some, rows, channels, some, some, bias);
        });
        Assert.Empty(Launch(0, 768, some));
        Assert.Equal(["k_norm_fwd<2, 256>", "k_norm_bwd<2, 256>", "k_norm_bwd_join<24 x 2, 1024>"], Launch(9, 768, some));
        Assert.Equal(["k_norm_fwd<1024, 256>", "k_norm_bwd<512, 256>", "k_norm_bwd_join<1, 1024>"], Launch(8192, 5, Tensor.None));
        Assert.Equal(["k_norm_fwd_wide<65536, 256>", "k_norm_bwd_wide<512, 256>", "k_norm_bwd_join<48 x 2, 1024>"], Launch(65_536, 1536, some));
        Assert.Equal(["k_norm_fwd<268435456, 256>", "k_norm_bwd<512, 256>", "k_norm_bwd_join<1, 1024>"], Launch(int.MaxValue, 1, Tensor.None));
    }

    [Fact]
    public void Launches_AndKernel_AgreeOnTheBlock() =>
        KernelRuns.AssertDefines(NormKernels.File, "THREADS = 256", $"WARP_QUADS = {NormKernels.MaxWarpChannels / (4 * 32)}");

    [Fact]
    public void ShareRows_AnyRowCount_MakesFewSharesOfWholeRounds()
    {
        foreach (int rows in (int[])[1, 7, 8, 9, 4095, 4096, 4097, 8192, 65_536, 1_000_003, int.MaxValue])
        {
            long share = NormKernels.ShareRows(rows);
            Assert.Equal(0, share % 8);
            Assert.InRange((rows + share - 1) / share, 1, NormKernels.MaxShares);
        }
    }

    [Fact]
    public void ForwardAndBackward_Again_AllocateNothing()
    {
        using var gpu = new FakeGpu();
        var kernels = new NormKernels(gpu.Loader, gpu.Scratch);
        gpu.AssertAllocatesNothing(() =>
        {
            foreach (int channels in (ReadOnlySpan<int>)[100, 2000])
            {
                kernels.Forward(NormKind.RmsNorm, default, default, default, 1e-5f, 300, channels, default, default, default);
                kernels.Backward(NormKind.RmsNorm, default, default, default, default, default, 300, channels, default, default, default);
            }
        });
    }

    private static int[] NaNs(float[] values) => [.. Enumerable.Range(0, values.Length).Where(i => float.IsNaN(values[i]))];
}
