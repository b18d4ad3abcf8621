using Andrea.Data;
using Andrea.Numerics;
using Andrea.Tensors;

namespace Andrea.Training.Faults;

/// <summary>What goes wrong on purpose in a run, and when: so that every cure can be tried on the same illness.</summary>
/// <remarks>
/// A pure function of seed and step: every run under the same plan suffers the same, on every device, also when it was resumed.
/// Steps without a fault cost nothing; one that changes gradients or parameters takes them to the host and back.
/// <code>
/// trainer.Faults = new FaultPlan(seed: 7, [new Fault(FaultKind.LabelNoise, First: 300, Last: 304), .. FaultPlan.StaleSecondMoment(500)]);
/// </code>
/// </remarks>
internal sealed class FaultPlan
{
    // One stream of the seed for each kind; "fault" in ASCII.
    private const ulong Stream = 0x6661756c74;

    // Random numbers that one micro-batch may draw.
    private const int DrawBits = 26, MicroBatchBits = 12;

    private readonly ulong _seed;
    private readonly Fault[] _faults;

    /// <summary>Makes a plan.</summary>
    /// <param name="seed">Of all that is drawn at random.</param>
    /// <param name="faults">What happens; several may happen in one step, in this order.</param>
    public FaultPlan(ulong seed, IEnumerable<Fault> faults)
    {
        _seed = seed;
        _faults = [.. faults];
        foreach (Fault fault in _faults)
            if (fault.First < 1 || fault.Last < fault.First || !Enum.IsDefined(fault.Kind))
                throw new ArgumentException($"{fault} is no fault: steps count from 1, and the last is not before the first.", nameof(faults));
    }

    /// <summary>What happens.</summary>
    public IReadOnlyList<Fault> Faults => _faults;

    /// <summary>Second moments that have gone stale, then large gradients: v dies away while nothing comes, by beta2 for each step, and cannot follow when
    /// much comes at once. After "Adaptive Preconditioners Trigger Loss Spikes in Adam", arXiv:2506.04805.</summary>
    /// <param name="first">First step without gradients.</param>
    /// <param name="stretch">Steps without gradients.</param>
    /// <param name="burst">Steps of large gradients after them.</param>
    /// <param name="factor">How much larger they are; a clip by the norm takes back what is above its maximum.</param>
    public static Fault[] StaleSecondMoment(long first, long stretch = 100, long burst = 5, double factor = 10) =>
    [
        new(FaultKind.GradientScale, first, first + stretch - 1, 0),
        new(FaultKind.GradientScale, first + stretch, first + stretch + burst - 1, factor),
    ];

    /// <summary>Changes a micro-batch in place.</summary>
    /// <param name="drawnAt">The step that drew it.</param>
    /// <param name="microBatch">From 0.</param>
    /// <param name="rows">B, sequences.</param>
    /// <param name="vocabularySize">V.</param>
    /// <param name="inputs">(B, T) tokens.</param>
    /// <param name="targets">(B, T) tokens.</param>
    public void ChangeBatch(long drawnAt, int microBatch, int rows, int vocabularySize, Span<int> inputs, Span<int> targets)
    {
        foreach (Fault fault in _faults)
        {
            if (!fault.IsAt(drawnAt))
                continue;
            Philox random = RandomOf(fault.Kind, drawnAt, microBatch);
            int bad = (int)Math.Min(rows, Math.Round(fault.Strength * rows)) * (inputs.Length / rows);
            if (fault.Kind == FaultKind.OutlierBatch)
                Scramble(ref random, vocabularySize, inputs[..bad], targets[..bad]);
            else if (fault.Kind == FaultKind.LabelNoise)
                AddNoise(ref random, vocabularySize, fault.Strength, targets);
            else if (fault.Kind == FaultKind.SourceSwitch)
                Rename(vocabularySize, inputs[..bad], targets[..bad]);
            else if (fault.Kind == FaultKind.RepeatedToken)
                Repeat(inputs[..bad], targets[..bad]);
        }
    }

    /// <summary>The learning rate of a step.</summary>
    /// <param name="step">The step, from 1.</param>
    /// <param name="rate">What it would be.</param>
    public double ChangeRate(long step, double rate)
    {
        foreach (Fault fault in _faults)
            if (fault.Kind == FaultKind.LearningRate && fault.IsAt(step))
                rate *= fault.Strength;
        return rate;
    }

    /// <summary>Changes parameters in place, before a step. Waits for the device where there is something to change.</summary>
    /// <param name="step">The step, from 1.</param>
    /// <param name="parameters">All parameters.</param>
    public void ChangeParameters(long step, ParameterArena parameters)
    {
        foreach (Fault fault in _faults)
        {
            if (!fault.IsAt(step) || fault.Kind is not (FaultKind.ParameterScale or FaultKind.FlippedBit))
                continue;
            if (fault.Kind == FaultKind.ParameterScale)
            {
                Multiply(parameters.Flat, fault.Strength);
                continue;
            }
            Tensor largest = parameters[IndexOfLargest(parameters)];
            Flip(largest, RandomOf(fault.Kind, step, 0).NextInt64(largest.Length), (int)fault.Strength);
        }
    }

    /// <summary>Changes gradients in place, after the last micro-batch. Waits for the device where there is something to change.</summary>
    /// <param name="step">The step, from 1.</param>
    /// <param name="gradients">All gradients.</param>
    public void ChangeGradients(long step, ParameterArena gradients)
    {
        foreach (Fault fault in _faults)
        {
            if (!fault.IsAt(step))
                continue;
            if (fault.Kind == FaultKind.GradientScale)
                Multiply(gradients.Flat, fault.Strength);
            else if (fault.Kind == FaultKind.NaNGradient)
                gradients[gradients.Count / 2].CopyFrom([float.NaN]);
        }
    }

    private static void Scramble(ref Philox random, int vocabularySize, Span<int> inputs, Span<int> targets)
    {
        foreach (ref int token in inputs)
            token = random.NextInt32(vocabularySize);
        foreach (ref int token in targets)
            token = random.NextInt32(vocabularySize);
    }

    private static void AddNoise(ref Philox random, int vocabularySize, double share, Span<int> targets)
    {
        foreach (ref int token in targets)
            if (random.NextDouble() < share)
                token = random.NextInt32(vocabularySize);
    }

    private void Rename(int vocabularySize, Span<int> inputs, Span<int> targets)
    {
        // The same names in every step.
        var names = new WindowPermutation(vocabularySize, RandomOf(FaultKind.SourceSwitch, 0, 0).NextUInt64());
        foreach (ref int token in inputs)
            token = (int)names.At(token);
        foreach (ref int token in targets)
            token = (int)names.At(token);
    }

    private static void Repeat(Span<int> inputs, Span<int> targets)
    {
        if (inputs.IsEmpty)
            return;
        int token = inputs[0];
        inputs.Fill(token);
        targets.Fill(token);
    }

    private static void Multiply(Tensor tensor, double factor)
    {
        float[] values = tensor.ToArray();
        foreach (ref float value in values.AsSpan())
            value = (float)(value * factor);
        tensor.CopyFrom(values);
    }

    private static void Flip(Tensor tensor, long index, int bit)
    {
        Span<float> value = stackalloc float[1];
        tensor.CopyTo(value, index);
        value[0] = BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(value[0]) ^ (1u << bit));
        tensor.CopyFrom(value, index);
    }

    private static int IndexOfLargest(ParameterArena parameters)
    {
        int largest = 0;
        for (int i = 1; i < parameters.Count; i++)
            if (parameters.ShapeOf(i).Length > parameters.ShapeOf(largest).Length)
                largest = i;
        return largest;
    }

    private Philox RandomOf(FaultKind kind, long step, int microBatch) => new(
        _seed, Stream + ((ulong)kind << 40), ((((ulong)step) << MicroBatchBits) + (ulong)microBatch) << DrawBits);
}
