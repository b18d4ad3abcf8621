using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cpu;

public class NormTests
{
    public static TheoryData<NormKind, bool> Kinds =>
        new() { { NormKind.LayerNorm, true }, { NormKind.LayerNorm, false }, { NormKind.RmsNorm, true }, { NormKind.RmsNorm, false } };

    [Fact]
    public void Forward_FourNumbers_GivesTheNumbersOfTheFormula()
    {
        using var device = new GuardedDevice("reference");
        float[] input = [1, 2, 3, 4], ones = [1, 1, 1, 1];
        // Mean 2.5, variance 1.25; mean square 7.5.
        float[][] layer = (new NormCase(NormKind.LayerNorm, false, 1, 4) { Input = input, Weight = ones }).Forward(device);
        Tolerance.Elementwise.AssertClose("LayerNorm", [-1.3416354f, -0.4472118f, 0.4472118f, 1.3416354f], layer[0]);
        Assert.Equal(2.5f, layer[1][0]);
        Tolerance.Elementwise.AssertClose("inverse scale", [0.8944236f], layer[2]);
        float[][] rms = (new NormCase(NormKind.RmsNorm, false, 1, 4) { Input = input, Weight = ones }).Forward(device);
        Tolerance.Elementwise.AssertClose("RMSNorm", [0.3651481f, 0.7302963f, 1.0954444f, 1.4605925f], rms[0]);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void ForwardAndBackward_EveryLength_AgreeWithReference(NormKind kind, bool hasBias)
    {
        using var cpu = new GuardedDevice("cpu-2");
        for (int channels = 1; channels <= 257; channels++)
            new NormCase(kind, hasBias, 3, channels).AssertAgreesWithReference(cpu);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void ForwardAndBackward_EveryRowCount_AgreeWithReference(NormKind kind, bool hasBias)
    {
        using var cpu = new GuardedDevice("cpu-2");
        for (int rows = 0; rows <= 70; rows++)
            new NormCase(kind, hasBias, rows, 35).AssertAgreesWithReference(cpu);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void ForwardAndBackward_TypicalSize_AgreeWithReference(NormKind kind, bool hasBias)
    {
        using var cpu = new GuardedDevice("cpu-2");
        new NormCase(kind, hasBias, 300, 768).AssertAgreesWithReference(cpu);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Backward_GradientsAlreadyThere_AreAddedTo(NormKind kind, bool hasBias)
    {
        var numbers = new NormCase(kind, hasBias, 40, 50);
        foreach (string name in (string[])["reference", "cpu-2"])
        {
            using var device = new GuardedDevice(name);
            float[][] fromZero = numbers.Backward(device), fromThree = numbers.Backward(device, start: 3);
            for (int i = 0; i < fromZero.Length; i++)
                Tolerance.Accumulated.AssertClose($"{name}, gradient {i}", [.. fromZero[i].Select(value => value + 3)], fromThree[i]);
        }
    }

    [Theory, MemberData(nameof(Kinds))]
    public void ForwardAndBackward_AnyThreadCount_SameBits(NormKind kind, bool hasBias)
    {
        var numbers = new NormCase(kind, hasBias, 333, 257);
        using var one = new GuardedDevice("cpu-1");
        float[][] forward = numbers.Forward(one), backward = numbers.Backward(one);
        foreach (string name in (string[])["cpu-1", "cpu-2", "cpu-3", "cpu-7"])
        {
            using var device = new GuardedDevice(name);
            for (int repeat = 0; repeat < 3; repeat++)
            {
                Bits.AssertEqual(name, forward, numbers.Forward(device));
                Bits.AssertEqual(name, backward, numbers.Backward(device));
            }
        }
    }

    [Theory, MemberData(nameof(Kinds))]
    public void ReferenceBackward_EveryArgument_IsTheSlope(NormKind kind, bool hasBias)
    {
        using var device = new GuardedDevice("reference");
        var numbers = new NormCase(kind, hasBias, 3, 7);
        float[][] gradients = numbers.Backward(device);
        double Loss(NormCase moved) => FiniteDifference.Dot(numbers.DOutput, moved.Forward(device)[0]);
        FiniteDifference.AssertGradient("dInput", numbers.Input, input => Loss(numbers with { Input = input }), gradients[0]);
        FiniteDifference.AssertGradient("dWeight", numbers.Weight, weight => Loss(numbers with { Weight = weight }), gradients[1]);
        if (hasBias)
            FiniteDifference.AssertGradient("dBias", numbers.Bias, bias => Loss(numbers with { Bias = bias }), gradients[2]);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Forward_NonFiniteElement_SpoilsItsRowAsInTheReferenceAndNoOther(float bad)
    {
        using var cpu = new GuardedDevice("cpu-2");
        foreach (NormKind kind in (NormKind[])[NormKind.LayerNorm, NormKind.RmsNorm])
            foreach (int position in (int[])[0, 17, 36])
                new NormCase(kind, true, 3, 37).AssertSpoilsItsRow(cpu, position, bad);
    }

    [Fact]
    public void Forward_LargeOffset_KeepsTheVariance()
    {
        // E[x^2] - E[x]^2 in float32 would be off by 0.06 here, in a variance of 1.
        var numbers = new NormCase(NormKind.LayerNorm, false, 2, 512);
        float[] input = [.. TestDevice.Normal(5, 1024).Select(value => value + 1000)];
        using var reference = new GuardedDevice("reference");
        using var cpu = new GuardedDevice("cpu-1");
        float[][] expected = (numbers with { Input = input }).Forward(reference), actual = (numbers with { Input = input }).Forward(cpu);
        Tolerance.Elementwise.AssertClose("inverse scale", expected[2], actual[2]);
        // The mean is rounded to float32: half a unit in the last place of 1000 is 3e-5.
        Tolerance.Chained.AssertClose("output", expected[0], actual[0]);
    }

    [Fact]
    public void Forward_ConstantRow_IsTheBias()
    {
        var numbers = new NormCase(NormKind.LayerNorm, true, 1, 100);
        Array.Fill(numbers.Input, 0.25f);
        using var cpu = new GuardedDevice("cpu-1");
        Assert.Equal(numbers.Bias, numbers.Forward(cpu)[0]);
    }

    [Fact]
    public void Backward_ChannelsBeyondTheRow_DoNotCount()
    {
        // Where the mean times the inverse scale overflows, lanes beyond the row would give Inf * 0 = NaN.
        using var device = new GuardedDevice("cpu-1");
        Tensor dInput = device.InOut(new float[3]), dWeight = device.InOut(new float[3]);
        device.Backend.NormBackward(
            NormKind.LayerNorm, device.Input([1, 2, 3]), device.Input([1e37f, 1e37f, 1e37f]), device.Input([1, 1, 1]), device.Input([1e37f]),
            device.Input([316]), 1, 3, dInput, dWeight, Tensor.None);
        Assert.Equal([-316f, 0, 316], dInput.ToArray());
        Assert.Equal([0f, 0, 0], dWeight.ToArray());
    }

    [Fact]
    public void ForwardAndBackward_AfterWarmUp_AllocateNothing()
    {
        using var device = new GuardedDevice("cpu-3");
        const int rows = 200, channels = 130;
        Tensor x = device.InOut(TestDevice.Normal(1, rows * channels)), weight = device.InOut(TestDevice.Normal(2, channels));
        Tensor y = device.Output(rows * channels), mean = device.Output(rows), scale = device.Output(rows);
        Tensor dx = device.InOut(new float[rows * channels]), dWeight = device.InOut(new float[channels]), dBias = device.InOut(new float[channels]);
        Allocations.AssertNone(() =>
        {
            device.Backend.NormForward(NormKind.LayerNorm, x, weight, weight, 1e-5f, rows, channels, y, mean, scale);
            device.Backend.NormBackward(NormKind.LayerNorm, y, x, weight, mean, scale, rows, channels, dx, dWeight, dBias);
        });
    }
}
