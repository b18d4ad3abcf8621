using Andrea.Backends;
using Andrea.Cpu.MatMul;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cpu;

/// <summary>A linear layer and its activation in one operation give the bits of the two operations, on every backend.</summary>
public class LinearActivationTests : IFingerprint
{
    private const int Depth = Blocking.BlockDepth;

    // (rows, I, O): edges of tiles, one row, several blocks of k, shared columns and, with few rows, shared rows.
    private static readonly (int Rows, int InputSize, int OutputSize)[] Sizes =
        [(1, 1, 1), (1, 70, 50), (1, Depth + 6, 33), (3, 5, 40), (12, 32, 64), (13, 33, 65), (37, 2 * Depth + 1, 70), (140, 20, 45), (7, Depth, 200), (260, 40, 31)];

    public static TheoryData<ActivationKind> Kinds => ActivationTests.Kinds;

    static string IFingerprint.Fingerprint()
    {
        using var device = new GuardedDevice("cpu-2");
        var lines = new List<string>();
        foreach (ActivationKind kind in (ActivationKind[])[ActivationKind.Gelu, ActivationKind.Relu])
            lines.Add(BitDigest.Of<float>([.. new Case(5, 390, 33).Fused(device, kind).SelectMany(values => values)]));
        return string.Join('\n', lines);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void LinearActivation_AnyBackendAndThreads_SameBitsAsTwoOperations(ActivationKind kind)
    {
        foreach (string name in (string[])["reference", "cpu-1", "cpu-2", "cpu-3", "cpu-7"])
        {
            using var device = new GuardedDevice(name);
            foreach ((int rows, int inputSize, int outputSize) in Sizes)
            {
                var layer = new Case(rows, inputSize, outputSize);
                Bits.AssertEqual($"{name}, {rows} x {inputSize} x {outputSize}", layer.Composed(device, kind), layer.Fused(device, kind));
            }
        }
    }

    [Theory, MemberData(nameof(Kinds))]
    public void LinearActivation_NonFinite_SameBitsAsTwoOperations(ActivationKind kind)
    {
        using var device = new GuardedDevice("cpu-2");
        foreach (float bad in (float[])[float.NaN, float.PositiveInfinity, float.NegativeInfinity, 3e38f])
        {
            var layer = new Case(29, 41, 70);
            layer.Input[3 * 41 + 5] = bad;
            layer.DOutput[7 * 70 + 9] = bad;
            layer.Bias[50] = bad;
            Bits.AssertEqual($"{bad}", layer.Composed(device, kind), layer.Fused(device, kind));
        }
    }

    [Theory, MemberData(nameof(InstructionSetRunner.Narrower), MemberType = typeof(InstructionSetRunner))]
    public void LinearActivation_NarrowerInstructionSet_SameBits(string instructionSet) =>
        Assert.Equal(InstructionSetRunner.Fingerprint<LinearActivationTests>("all"), InstructionSetRunner.Fingerprint<LinearActivationTests>(instructionSet));

    [Theory, MemberData(nameof(Kinds))]
    public void LinearActivation_AfterWarmUp_AllocatesNothing(ActivationKind kind)
    {
        using var device = new GuardedDevice("cpu-3");
        IBackend backend = device.Backend;
        Tensor input = device.Output(60 * 40), weight = device.Output(100 * 40), hidden = device.Output(60 * 100);
        Tensor dOutput = device.Output(60 * 40), dHidden = device.Output(60 * 100);
        Allocations.AssertNone(() =>
        {
            backend.LinearActivationForward(kind, input, weight, Tensor.None, 60, 40, 100, hidden, hidden);
            backend.LinearActivationBackwardInput(kind, dOutput, weight, hidden, 60, 100, 40, dHidden);
        });
    }

    /// <summary>The layer (rows, I) to (rows, O); backward, the layer that follows it, from O back to the hidden I.</summary>
    private sealed class Case(int rows, int inputSize, int outputSize)
    {
        public float[] Input { get; } = TestDevice.Normal(1, rows * inputSize);

        public float[] Weight { get; } = TestDevice.Normal(2, outputSize * inputSize, 1 / Math.Sqrt(inputSize));

        public float[] Bias { get; } = TestDevice.Normal(3, outputSize);

        public float[] DOutput { get; } = TestDevice.Normal(4, rows * outputSize);

        private int OutputLength => rows * outputSize;

        private int InputLength => rows * inputSize;

        public float[][] Composed(GuardedDevice device, ActivationKind kind)
        {
            IBackend backend = device.Backend;
            Tensor hidden = device.Output(OutputLength), activated = device.Output(OutputLength), dHidden = device.Output(InputLength);
            backend.LinearForward(device.Input(Input), device.Input(Weight), device.Input(Bias), Tensor.None, rows, inputSize, outputSize, hidden);
            backend.ActivationForward(kind, hidden, OutputLength, activated);
            backend.LinearBackwardInput(device.Input(DOutput), device.Input(Weight), rows, inputSize, outputSize, dHidden);
            backend.ActivationBackward(kind, device.Input(Input), dHidden, InputLength, dHidden);
            device.AssertGuards();
            return [hidden.ToArray(), activated.ToArray(), activated.ToArray(), dHidden.ToArray()];
        }

        public float[][] Fused(GuardedDevice device, ActivationKind kind)
        {
            IBackend backend = device.Backend;
            Tensor hidden = device.Output(OutputLength), activated = device.Output(OutputLength), inPlace = device.Output(OutputLength);
            Tensor input = device.Input(Input), weight = device.Input(Weight), bias = device.Input(Bias), dHidden = device.Output(InputLength);
            backend.LinearActivationForward(kind, input, weight, bias, rows, inputSize, outputSize, hidden, activated);
            backend.LinearActivationForward(kind, input, weight, bias, rows, inputSize, outputSize, inPlace, inPlace);
            backend.LinearActivationBackwardInput(kind, device.Input(DOutput), weight, input, rows, inputSize, outputSize, dHidden);
            device.AssertGuards();
            return [hidden.ToArray(), activated.ToArray(), inPlace.ToArray(), dHidden.ToArray()];
        }
    }
}
