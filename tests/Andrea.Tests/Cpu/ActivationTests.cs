using Andrea.Tensors;
using Andrea.Tests.Support;
using static Andrea.Tests.Cpu.ActivationCase;

namespace Andrea.Tests.Cpu;

public class ActivationTests
{
    public static TheoryData<ActivationKind> Kinds => [ActivationKind.Gelu, ActivationKind.Relu];

    [Fact]
    public void Gelu_KnownArguments_GivesTheNumbersOfTheFormula()
    {
        // 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) in 50 digits, rounded to float32.
        float[] x = [-5, -3, -1, -0.5f, 0, 1e-4f, 0.5f, 1, 3, 5];
        float[] expected =
            [-2.2917962e-7f, -0.0036373921f, -0.15880801f, -0.15428599f, 0, 5.0003988e-5f, 0.34571401f, 0.84119199f, 2.9963626f, 4.9999998f];
        foreach (string name in (string[])["reference", "cpu-1"])
        {
            using var device = new GuardedDevice(name);
            Tolerance.Elementwise.AssertClose(name, expected, Forward(device, ActivationKind.Gelu, x));
        }
    }

    [Theory, MemberData(nameof(Kinds))]
    public void ForwardAndBackward_EveryLength_AgreeWithReference(ActivationKind kind)
    {
        using var reference = new GuardedDevice("reference");
        using var cpu = new GuardedDevice("cpu-2");
        for (int length = 0; length <= 257; length++)
            Compare(reference, cpu, kind, TestDevice.Normal((ulong)length, length, 3));
    }

    [Theory, MemberData(nameof(Kinds))]
    public void ForwardAndBackward_SeveralBlocks_AgreeWithReference(ActivationKind kind)
    {
        using var reference = new GuardedDevice("reference");
        using var cpu = new GuardedDevice("cpu-3");
        foreach (int length in (int[])[8191, 8192, 8193, 50_001])
            Compare(reference, cpu, kind, TestDevice.Normal(1, length, 3));
    }

    [Theory, MemberData(nameof(Kinds))]
    public void ForwardAndBackward_AllMagnitudes_AgreeWithReference(ActivationKind kind)
    {
        using var cpu = new GuardedDevice("cpu-1");
        CompareAllMagnitudes(cpu, kind);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void ForwardAndBackward_NonFinite_AsInTheReference(ActivationKind kind)
    {
        using var cpu = new GuardedDevice("cpu-1");
        CompareNonFinite(cpu, kind);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void ForwardAndBackward_InPlace_GiveTheSame(ActivationKind kind)
    {
        foreach (string name in (string[])["reference", "cpu-2"])
        {
            using var device = new GuardedDevice(name);
            float[] x = TestDevice.Normal(1, 20_000), dy = TestDevice.Normal(2, 20_000);
            Tensor both = device.InOut(x);
            device.Backend.ActivationForward(kind, both, x.Length, both);
            Bits.AssertEqual(name, Forward(device, kind, x), both.ToArray());
            both = device.InOut(dy);
            device.Backend.ActivationBackward(kind, device.Input(x), both, x.Length, both);
            device.AssertGuards();
            Bits.AssertEqual(name, Backward(device, kind, x, dy), both.ToArray());
        }
    }

    [Theory, MemberData(nameof(Kinds))]
    public void ForwardAndBackward_AnyThreadCount_SameBits(ActivationKind kind)
    {
        float[] x = TestDevice.Normal(1, 70_001, 3), dy = TestDevice.Normal(2, 70_001);
        using var one = new GuardedDevice("cpu-1");
        float[][] expected = [Forward(one, kind, x), Backward(one, kind, x, dy)];
        foreach (string name in (string[])["cpu-1", "cpu-2", "cpu-3", "cpu-7"])
        {
            using var device = new GuardedDevice(name);
            Bits.AssertEqual(name, expected, [Forward(device, kind, x), Backward(device, kind, x, dy)]);
            Bits.AssertEqual($"{name}, again", expected, [Forward(device, kind, x), Backward(device, kind, x, dy)]);
        }
    }

    [Fact]
    public void Forward_SameValueAnywhere_SameBits()
    {
        // A tail is computed as a full vector is.
        using var device = new GuardedDevice("cpu-1");
        var x = new float[37];
        Array.Fill(x, 0.7f);
        Assert.Single(Forward(device, ActivationKind.Gelu, x).Distinct());
        Assert.Single(Backward(device, ActivationKind.Gelu, x, x).Distinct());
    }

    [Theory, MemberData(nameof(Kinds))]
    public void ReferenceBackward_Input_IsTheSlope(ActivationKind kind)
    {
        using var device = new GuardedDevice("reference");
        // Away from ReLU's corner at 0.
        float[] x = [.. TestDevice.Normal(1, 60, 2).Select(value => Math.Abs(value) < 0.1f ? 1 : value)], dy = TestDevice.Normal(2, 60);
        FiniteDifference.AssertGradient(
            "dInput", x, moved => FiniteDifference.Dot(dy, Forward(device, kind, moved)), Backward(device, kind, x, dy));
    }

    [Fact]
    public void ReluBackward_AtZero_IsZeroWhateverComes()
    {
        foreach (string name in (string[])["reference", "cpu-1"])
        {
            using var device = new GuardedDevice(name);
            Assert.Equal([0f, 0, 0, 5], Backward(device, ActivationKind.Relu, [0, -0f, -1, 1e-45f], [1, float.NaN, float.PositiveInfinity, 5]));
        }
    }

    [Theory, MemberData(nameof(Kinds))]
    public void ForwardAndBackward_AfterWarmUp_AllocateNothing(ActivationKind kind)
    {
        using var device = new GuardedDevice("cpu-3");
        Tensor x = device.InOut(new float[30_000]), y = device.Output(30_000);
        Allocations.AssertNone(() =>
        {
            device.Backend.ActivationForward(kind, x, 30_000, y);
            device.Backend.ActivationBackward(kind, x, y, 30_000, y);
        });
    }
}
