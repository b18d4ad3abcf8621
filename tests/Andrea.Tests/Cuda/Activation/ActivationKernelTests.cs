using Andrea.Cuda.Activation;
using Andrea.Tensors;
using Andrea.Tests.Cpu;
using Andrea.Tests.Support;
using static Andrea.Tests.Cpu.ActivationCase;

namespace Andrea.Tests.Cuda.Activation;

public class ActivationKernelTests
{
    private static readonly ActivationKind[] s_kinds = [ActivationKind.Gelu, ActivationKind.Relu];

    public static MatrixTheoryData<string, ActivationKind> Runs => new(KernelRuns.Devices.Select(row => row.Data), s_kinds);

    [Theory, MemberData(nameof(Runs))]
    public void ForwardAndBackward_EveryLength_AgreeWithReference(string name, ActivationKind kind) =>
        KernelRuns.OnEitherAlignment(name, device =>
        {
            using var reference = new GuardedDevice("reference");
            for (int length = 0; length <= 257; length++)
                Compare(reference, device, kind, TestDevice.Normal((ulong)length, length, 3));
        });

    [Theory, MemberData(nameof(Runs))]
    public void ForwardAndBackward_AroundBlocks_AgreeWithReference(string name, ActivationKind kind) =>
        KernelRuns.OnEitherAlignment(name, device =>
        {
            using var reference = new GuardedDevice("reference");
            foreach (int length in (int[])[1023, 1024, 1025, 2047, 2048, 2049, 2051, 20_001])
                Compare(reference, device, kind, TestDevice.Normal(1, length, 3));
        });

    [Theory, MemberData(nameof(Runs))]
    public void ForwardAndBackward_AllMagnitudes_AgreeWithReference(string name, ActivationKind kind)
    {
        using var device = new GuardedDevice(name);
        CompareAllMagnitudes(device, kind);
    }

    [Theory, MemberData(nameof(Runs))]
    public void ForwardAndBackward_NonFinite_AsInTheReference(string name, ActivationKind kind) =>
        KernelRuns.OnEitherAlignment(name, device => CompareNonFinite(device, kind));

    [Theory, MemberData(nameof(Runs))]
    public void ForwardAndBackward_InPlace_GiveTheSame(string name, ActivationKind kind) =>
        KernelRuns.OnEitherAlignment(name, device =>
        {
            float[] x = TestDevice.Normal(1, 5003), dy = TestDevice.Normal(2, 5003);
            Tensor both = device.InOut(x);
            device.Backend.ActivationForward(kind, both, x.Length, both);
            Bits.AssertEqual(name, Forward(device, kind, x), both.ToArray());
            both = device.InOut(dy);
            device.Backend.ActivationBackward(kind, device.Input(x), both, x.Length, both);
            device.AssertGuards();
            Bits.AssertEqual(name, Backward(device, kind, x, dy), both.ToArray());
        });

    [Theory, MemberData(nameof(Runs))]
    public void ForwardAndBackward_AnyOrderAndAlignment_SameBits(string name, ActivationKind kind)
    {
        float[] x = TestDevice.Normal(1, 9001, 3), dy = TestDevice.Normal(2, 9001);
        KernelRuns.AssertSameBitsAlways(name, device => [Forward(device, kind, x), Backward(device, kind, x, dy)]);
    }

    [Theory, MemberData(nameof(Runs))]
    public void ForwardAndBackward_AnyTensorUnaligned_SameBits(string name, ActivationKind kind)
    {
        float[] x = TestDevice.Normal(1, 2100, 3), dy = TestDevice.Normal(2, 2100);
        KernelRuns.AssertSameBitsWithAnyTensorUnaligned(name, device => [Forward(device, kind, x), Backward(device, kind, x, dy)]);
    }

    [Theory, MemberData(nameof(KernelRuns.Devices), MemberType = typeof(KernelRuns))]
    public void ForwardAndBackward_SameValueAnywhere_SameBits(string name) =>
        KernelRuns.OnEitherAlignment(name, device =>
        {
            var x = new float[2055];
            Array.Fill(x, 0.7f);
            Assert.Single(Forward(device, ActivationKind.Gelu, x).Distinct());
            Assert.Single(Backward(device, ActivationKind.Gelu, x, x).Distinct());
        });

    [Theory, MemberData(nameof(KernelRuns.Devices), MemberType = typeof(KernelRuns))]
    public void ReluBackward_AtZero_IsZeroWhateverComes(string name)
    {
        using var device = new GuardedDevice(name);
        Assert.Equal([0f, 0, 0, 5], Backward(device, ActivationKind.Relu, [0, -0f, -1, 1e-45f], [1, float.NaN, float.PositiveInfinity, 5]));
    }

    [Fact]
    public void Launches_OfAnyLength_AreBlocksOf2048Elements()
    {
        using var gpu = new FakeGpu();
        var kernels = new ActivationKernels(gpu.Loader);
        string[] Launch(ActivationKind kind, long length) => gpu.Launches(() =>
        {
            kernels.Forward(kind, Tensor.None, length, Tensor.None);
            kernels.Backward(kind, Tensor.None, Tensor.None, length, Tensor.None);
        });
        Assert.Empty(Launch(ActivationKind.Gelu, 0));
        Assert.Equal(["k_gelu_fwd<1, 256>", "k_gelu_bwd<1, 256>"], Launch(ActivationKind.Gelu, 2048));
        Assert.Equal(["k_relu_fwd<2, 256>", "k_relu_bwd<2, 256>"], Launch(ActivationKind.Relu, 2049));
        Assert.Equal(["k_gelu_fwd<2097153, 256>", "k_gelu_bwd<2097153, 256>"], Launch(ActivationKind.Gelu, (1L << 32) + 1));
        Assert.Throws<OverflowException>(() => Launch(ActivationKind.Gelu, 1L << 43));
    }

    [Fact]
    public void Launches_AndKernel_AgreeOnTheBlock() =>
        KernelRuns.AssertDefines(ActivationKernels.File, "THREADS = 256", "QUADS = 2", "PIECE = THREADS * QUADS * 4");

    [Fact]
    public void ForwardAndBackward_Again_AllocateNothing()
    {
        using var gpu = new FakeGpu();
        var kernels = new ActivationKernels(gpu.Loader);
        gpu.AssertAllocatesNothing(() =>
        {
            kernels.Forward(ActivationKind.Gelu, Tensor.None, 5000, Tensor.None);
            kernels.Backward(ActivationKind.Relu, Tensor.None, Tensor.None, 5000, Tensor.None);
        });
    }
}
