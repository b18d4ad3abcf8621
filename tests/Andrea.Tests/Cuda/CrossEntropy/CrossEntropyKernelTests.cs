using Andrea.Cuda.CrossEntropy;
using Andrea.Tensors;
using Andrea.Tests.Cpu;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.CrossEntropy;

public class CrossEntropyKernelTests
{
    private const float Infinity = float.PositiveInfinity;

    private static readonly float[] s_extremes = [1e4f, -1e4f, 3e38f, -3e38f, -Infinity, Infinity, float.NaN];

    public static TheoryData<string> Devices => KernelRuns.Devices;

    [Theory, MemberData(nameof(Devices))]
    public void ForwardBackward_ThreeLogits_GivesTheNumbersOfTheFormula(string name)
    {
        using var device = new GuardedDevice(name);
        // softmax(log 1, log 2, log 5) = 1/8, 2/8, 5/8.
        var numbers = new CrossEntropyCase(1, 3) { Logits = [0, 0.6931472f, 1.609438f], Targets = [1], GradientScale = 8 };
        float[][] results = numbers.ForwardBackward(device);
        Tolerance.Elementwise.AssertClose("loss", [1.3862944f], results[0]);
        Tolerance.Accumulated.AssertClose("dLogits", [1, -6, 5], results[1]);
    }

    [Theory, MemberData(nameof(Devices))]
    public void ForwardAndBackward_EveryVocabulary_AgreeWithReference(string name) =>
        KernelRuns.OnEitherAlignment(name, device =>
        {
            for (int vocabulary = 1; vocabulary <= 260; vocabulary++)
                new CrossEntropyCase(2, vocabulary).AssertAgreesWithReference(device);
        });

    [Theory, MemberData(nameof(Devices))]
    public void ForwardAndBackward_EveryRowCount_AgreeWithReference(string name)
    {
        using var device = new GuardedDevice(name);
        for (int rows = 0; rows <= 70; rows++)
            new CrossEntropyCase(rows, 65).AssertAgreesWithReference(device);
    }

    [Theory, MemberData(nameof(Devices))]
    public void ForwardAndBackward_LongRows_AgreeWithReference(string name)
    {
        using var device = new GuardedDevice(name);
        // Around eight loads of each thread, around the switch to wide rows, and GPT-2's.
        foreach (int vocabulary in (int[])[2047, 2048, 2049, 2305, 8449, 12_288, 12_289, 16_383, 16_384, 16_385, 50_257])
            new CrossEntropyCase(2, vocabulary).AssertAgreesWithReference(device);
    }

    [Theory, MemberData(nameof(Devices))]
    public void ForwardBackward_TargetAtEitherEnd_SubtractsThere(string name)
    {
        using var device = new GuardedDevice(name);
        new CrossEntropyCase(2, 5000) { Targets = [0, 4999] }.AssertAgreesWithReference(device);
        new CrossEntropyCase(2, 13_001) { Targets = [0, 13_000] }.AssertAgreesWithReference(device);
    }

    [Theory, MemberData(nameof(Devices))]
    public void ForwardBackward_Gradient_SumsToZero(string name)
    {
        using var device = new GuardedDevice(name);
        float[] gradient = new CrossEntropyCase(1, 50_257).ForwardBackward(device)[1];
        Assert.InRange(gradient.Sum(value => (double)value), -1e-6, 1e-6);
    }

    [Theory, MemberData(nameof(Devices))]
    public void ForwardAndBackward_OneExtremeLogit_AsInTheReference(string name)
    {
        using var device = new GuardedDevice(name);
        foreach (float extreme in s_extremes)
            foreach (int vocabulary in (int[])[37, 2503, 12_345])
                foreach (int position in (int[])[0, vocabulary / 2, vocabulary - 1])
                {
                    var numbers = new CrossEntropyCase(3, vocabulary);
                    numbers.Logits[vocabulary + position] = extreme;
                    (numbers with { Targets = [1, position, 2] }).AssertAgreesWithReference(device);
                    if (vocabulary == 37)
                        numbers.AssertAgreesWithReference(device);
                }
    }

    [Theory, MemberData(nameof(Devices))]
    public void ForwardAndBackward_ExtremeRow_AsInTheReference(string name)
    {
        using var device = new GuardedDevice(name);
        foreach (float extreme in s_extremes)
            foreach (int vocabulary in (int[])[1, 37, 2503, 12_345])
            {
                var numbers = new CrossEntropyCase(1, vocabulary);
                Array.Fill(numbers.Logits, extreme);
                numbers.AssertAgreesWithReference(device);
            }
    }

    [Theory, MemberData(nameof(Devices))]
    public void ForwardBackward_RisingAndFallingLogits_AsInTheReference(string name)
    {
        // The maximum moves with every load, or never; some stretches are nothing but -Inf.
        using var device = new GuardedDevice(name);
        var numbers = new CrossEntropyCase(1, 20_011);
        for (int i = 0; i < numbers.Vocabulary; i++)
            numbers.Logits[i] += i * 0.01f;
        (numbers with { Targets = [20_000] }).AssertAgreesWithReference(device);
        (numbers with { Targets = [11], Logits = [.. numbers.Logits.Reverse()] }).AssertAgreesWithReference(device);
        Array.Fill(numbers.Logits, -Infinity, 0, 9000);
        (numbers with { Targets = [15_000] }).AssertAgreesWithReference(device);
    }

    [Theory, MemberData(nameof(Devices))]
    public void ForwardAndBackward_Losses_HaveTheSameBits(string name)
    {
        using var device = new GuardedDevice(name);
        foreach (int vocabulary in (int[])[5003, 13_003])
        {
            var numbers = new CrossEntropyCase(3, vocabulary);
            Bits.AssertEqual("losses", numbers.Forward(device), numbers.ForwardBackward(device)[0]);
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void ForwardAndBackward_AnyOrderAndAlignment_SameBits(string name)
    {
        foreach ((int rows, int vocabulary) in ((int, int)[])[(5, 2305), (2, 13_001)])
        {
            var numbers = new CrossEntropyCase(rows, vocabulary);
            KernelRuns.AssertSameBitsAlways(name, numbers.ForwardBackward);
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void AddSum_AnyLength_IsTheSumInDouble(string name)
    {
        using var device = new GuardedDevice(name);
        DeviceBuffer<double> sum = device.Device.Buffer<double>(1);
        foreach (int length in (int[])[0, 1, 2, 31, 32, 33, 257, 1023, 1024, 1025, 8192, 20_001])
        {
            float[] values = TestDevice.Normal((ulong)length, length, 1e6);
            sum.CopyFrom([7]);
            device.Backend.AddSum(device.Input(values), length, 0.5, sum);
            device.AssertGuards();
            double scale = values.Sum(value => Math.Abs((double)value));
            Assert.Equal(7 + 0.5 * values.Sum(value => (double)value), Read(sum), 1e-15 * (scale + 7));
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void AddSum_AnyOrder_SameBits(string name)
    {
        float[] values = TestDevice.Normal(1, 5000, 1e6);
        KernelRuns.AssertSameBitsAlways(name, device =>
        {
            DeviceBuffer<double> sum = device.Device.Buffer<double>(1);
            device.Backend.AddSum(device.Input(values), values.Length, 0.3, sum);
            long bits = BitConverter.DoubleToInt64Bits(Read(sum));
            // Halves of 32 bits, as floats that the comparison takes bit by bit; 16 at a time, so that none is a NaN.
            return [[.. Enumerable.Range(0, 4).Select(i => (float)((bits >> (16 * i)) & 0xffff))]];
        });
    }

    [Theory, MemberData(nameof(Devices))]
    public void AddSum_NaN_IsNaN(string name)
    {
        using var device = new GuardedDevice(name);
        DeviceBuffer<double> sum = device.Device.Buffer<double>(1);
        device.Backend.AddSum(device.Input([1, float.NaN, 2]), 3, 1, sum);
        Assert.True(double.IsNaN(Read(sum)));
    }

    [Fact]
    public void Launches_OfAnySize_AreABlockForEachRow()
    {
        using var gpu = new FakeGpu();
        var kernels = new CrossEntropyKernels(gpu.Loader);
        using var device = TestDevice.Open("cpu-1");
        DeviceBuffer<int> targets = device.Tokens(0);
        DeviceBuffer<double> sum = device.Buffer<double>(1);
        string[] Launch(int rows, int vocabulary) => gpu.Launches(() =>
        {
            kernels.Forward(default, targets, rows, vocabulary, default);
            kernels.ForwardBackward(targets, 1, rows, vocabulary, default, default);
            kernels.AddSum(default, rows, 1, sum);
        });
        Assert.Empty(Launch(0, 65));
        Assert.Equal(["k_cross_entropy<9, 256>", "k_cross_entropy<9, 256>", "k_add_sum<1, 1024>"], Launch(9, 12_288));
        Assert.Equal(["k_cross_entropy_wide<65536, 1024>", "k_cross_entropy_wide<65536, 1024>", "k_add_sum<1, 1024>"], Launch(65_536, 50_257));
    }

    [Fact]
    public void AllOperations_Again_AllocateNothing()
    {
        using var gpu = new FakeGpu();
        var kernels = new CrossEntropyKernels(gpu.Loader);
        using var device = TestDevice.Open("cpu-1");
        DeviceBuffer<int> targets = device.Tokens(0);
        DeviceBuffer<double> sum = device.Buffer<double>(1);
        gpu.AssertAllocatesNothing(() =>
        {
            kernels.Forward(default, targets, 20, 3000, default);
            kernels.ForwardBackward(targets, 1, 20, 30_000, default, default);
            kernels.AddSum(default, 20, 1, sum);
        });
    }

    private static double Read(DeviceBuffer<double> buffer)
    {
        var values = new double[1];
        buffer.CopyTo(values);
        return values[0];
    }
}
