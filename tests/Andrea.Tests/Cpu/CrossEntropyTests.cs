using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cpu;

public class CrossEntropyTests
{
    private const float Infinity = float.PositiveInfinity;

    [Fact]
    public void ForwardBackward_ThreeLogits_GivesTheNumbersOfTheFormula()
    {
        foreach (string name in (string[])["reference", "cpu-1"])
        {
            using var device = new GuardedDevice(name);
            // softmax(log 1, log 2, log 5) = 1/8, 2/8, 5/8.
            var numbers = new CrossEntropyCase(1, 3) { Logits = [0, 0.6931472f, 1.609438f], Targets = [1], GradientScale = 8 };
            float[][] results = numbers.ForwardBackward(device);
            Tolerance.Elementwise.AssertClose("loss", [1.3862944f], results[0]);
            Tolerance.Accumulated.AssertClose("dLogits", [1, -6, 5], results[1]);
        }
    }

    [Fact]
    public void ForwardAndBackward_EveryVocabulary_AgreeWithReference()
    {
        using var cpu = new GuardedDevice("cpu-2");
        for (int vocabulary = 1; vocabulary <= 300; vocabulary++)
            new CrossEntropyCase(3, vocabulary).AssertAgreesWithReference(cpu);
    }

    [Fact]
    public void ForwardAndBackward_EveryRowCount_AgreeWithReference()
    {
        using var cpu = new GuardedDevice("cpu-2");
        for (int rows = 0; rows <= 70; rows++)
            new CrossEntropyCase(rows, 65).AssertAgreesWithReference(cpu);
    }

    [Theory]
    [InlineData(16, 2047)]
    [InlineData(16, 2048)]
    [InlineData(16, 2049)]
    [InlineData(16, 8449)]
    [InlineData(8, 50257)]
    [InlineData(2, 131_072)] // the most that 64 blocks of 2,048 hold, and one more
    [InlineData(2, 131_073)]
    [InlineData(1, 1_000_003)]
    public void ForwardAndBackward_SeveralBlocks_AgreeWithReference(int rows, int vocabulary)
    {
        using var cpu = new GuardedDevice("cpu-2");
        new CrossEntropyCase(rows, vocabulary).AssertAgreesWithReference(cpu);
    }

    [Fact]
    public void ForwardBackward_TargetAtEitherEnd_SubtractsThere()
    {
        using var cpu = new GuardedDevice("cpu-2");
        new CrossEntropyCase(2, 5000) { Targets = [0, 4999] }.AssertAgreesWithReference(cpu);
    }

    [Fact]
    public void ForwardBackward_Gradient_SumsToZero()
    {
        using var cpu = new GuardedDevice("cpu-1");
        float[] gradient = new CrossEntropyCase(1, 50_257).ForwardBackward(cpu)[1];
        Assert.InRange(gradient.Sum(value => (double)value), -1e-6, 1e-6);
    }

    [Theory]
    [InlineData(1e4f)]
    [InlineData(-1e4f)]
    [InlineData(3e38f)]
    [InlineData(-3e38f)]
    [InlineData(-Infinity)]
    [InlineData(Infinity)]
    [InlineData(float.NaN)]
    public void ForwardAndBackward_OneExtremeLogit_AsInTheReference(float extreme)
    {
        using var cpu = new GuardedDevice("cpu-2");
        foreach (int vocabulary in (int[])[37, 5003])
            foreach (int position in (int[])[0, vocabulary / 2, vocabulary - 1])
            {
                var numbers = new CrossEntropyCase(3, vocabulary);
                numbers.Logits[vocabulary + position] = extreme;
                numbers.AssertAgreesWithReference(cpu);
                (numbers with { Targets = [1, position, 2] }).AssertAgreesWithReference(cpu);
            }
    }

    [Theory]
    [InlineData(1e4f)]
    [InlineData(-1e4f)]
    [InlineData(3e38f)]
    [InlineData(-3e38f)]
    [InlineData(-Infinity)]
    [InlineData(Infinity)]
    [InlineData(float.NaN)]
    public void ForwardAndBackward_ExtremeRow_AsInTheReference(float extreme)
    {
        using var cpu = new GuardedDevice("cpu-2");
        foreach (int vocabulary in (int[])[1, 37, 5003])
        {
            var numbers = new CrossEntropyCase(1, vocabulary);
            Array.Fill(numbers.Logits, extreme);
            numbers.AssertAgreesWithReference(cpu);
        }
    }

    [Fact]
    public void ForwardBackward_BlocksFarApart_AsInTheReference()
    {
        // Each block of 2,048 takes its exponentials from another maximum: some underflow, one is nothing but -Inf.
        var numbers = new CrossEntropyCase(1, 5 * 2048 + 77);
        float[] offsets = [-200, -float.PositiveInfinity, 1e4f, 1e4f - 20, -3e38f, 1e4f + 3];
        for (int i = 0; i < numbers.Logits.Length; i++)
            numbers.Logits[i] += offsets[i / 2048];
        using var cpu = new GuardedDevice("cpu-1");
        foreach (int target in (int[])[0, 2048, 2 * 2048 + 5, 3 * 2048, 5 * 2048 + 76])
            (numbers with { Targets = [target] }).AssertAgreesWithReference(cpu);
    }

    [Fact]
    public void ForwardAndBackward_Losses_HaveTheSameBits()
    {
        using var cpu = new GuardedDevice("cpu-1");
        var numbers = new CrossEntropyCase(9, 5003);
        Bits.AssertEqual("losses", numbers.Forward(cpu), numbers.ForwardBackward(cpu)[0]);
    }

    [Fact]
    public void ForwardAndBackward_AnyThreadCount_SameBits()
    {
        var numbers = new CrossEntropyCase(61, 2305);
        using var one = new GuardedDevice("cpu-1");
        float[][] expected = numbers.ForwardBackward(one);
        foreach (string name in (string[])["cpu-1", "cpu-2", "cpu-3", "cpu-7"])
        {
            using var device = new GuardedDevice(name);
            for (int repeat = 0; repeat < 3; repeat++)
            {
                Bits.AssertEqual(name, expected, numbers.ForwardBackward(device));
                Bits.AssertEqual(name, expected[0], numbers.Forward(device));
            }
        }
    }

    [Fact]
    public void ReferenceBackward_Logits_IsTheSlope()
    {
        using var device = new GuardedDevice("reference");
        var numbers = new CrossEntropyCase(3, 11) { GradientScale = 0.5f };
        FiniteDifference.AssertGradient(
            "dLogits", numbers.Logits, moved => 0.5 * (numbers with { Logits = moved }).Forward(device).Sum(loss => (double)loss),
            numbers.ForwardBackward(device)[1]);
    }

    [Fact]
    public void AddSum_Values_AreAddedInOrderInDouble()
    {
        float[] values = TestDevice.Normal(1, 1000, 1e6);
        double expected = 0;
        foreach (float value in values)
            expected += value;
        foreach (string name in (string[])["reference", "cpu-2"])
        {
            using var device = new GuardedDevice(name);
            DeviceBuffer<double> sum = device.Device.Buffer<double>(1);
            sum.CopyFrom([7]);
            device.Backend.AddSum(device.Input(values), values.Length, 0.5, sum);
            device.Backend.AddSum(device.Input(values), 0, 0.5, sum);
            device.AssertGuards();
            var result = new double[1];
            sum.CopyTo(result);
            Assert.Equal(7 + 0.5 * expected, result[0]);
        }
    }

    [Fact]
    public void AllOperations_AfterWarmUp_AllocateNothing()
    {
        using var device = new GuardedDevice("cpu-3");
        const int rows = 20, vocabulary = 3001;
        Tensor logits = device.InOut(TestDevice.Normal(1, rows * vocabulary)), losses = device.Output(rows);
        DeviceBuffer<int> targets = device.Tokens(new int[rows]);
        DeviceBuffer<double> sum = device.Device.Buffer<double>(1);
        Allocations.AssertNone(() =>
        {
            device.Backend.CrossEntropyForward(logits, targets, rows, vocabulary, losses);
            device.Backend.CrossEntropyForwardBackward(targets, 1, rows, vocabulary, logits, losses);
            device.Backend.AddSum(losses, rows, 1, sum);
        });
    }
}
