using System.Text.Json.Serialization;
using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Clipping.Policies;

/// <summary>What a <see cref="GradClipper"/> limits: the joint norm, each tensor's, each element, or what is unusual for the run.</summary>
/// <remarks>
/// Decided on the device, from the norms that the clipper measures anyway: nothing waits and nothing is allocated in a step, also within a CUDA
/// graph. Policies that only choose coefficients (<see cref="GlobalNormPolicy"/>, <see cref="PerTensorPolicy"/>, <see cref="ZClipPolicy"/>,
/// <see cref="AdaGcPolicy"/>) are folded into AdamW and cost one launch of one block; <see cref="ValuePolicy"/> and <see cref="AgcPolicy"/> change the
/// gradients themselves, in a pass of their own. What a policy remembers lies on the device, is part of a checkpoint, and never takes in a
/// norm that is not finite. The same bits on every device.
/// <code>
/// var options = new GradClipperOptions { Policy = new ZClipPolicy() };
/// using var clipper = new GradClipper(device, gradients, options);
/// using var optimizer = new AdamW(device, parameters, gradients, clipper: clipper);
/// optimizer.Step(learningRate: 3e-4);
/// </code>
/// </remarks>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(GlobalNormPolicy), GlobalNormPolicy.Name)]
[JsonDerivedType(typeof(PerTensorPolicy), PerTensorPolicy.Name)]
[JsonDerivedType(typeof(ValuePolicy), ValuePolicy.Name)]
[JsonDerivedType(typeof(AgcPolicy), AgcPolicy.Name)]
[JsonDerivedType(typeof(ZClipPolicy), ZClipPolicy.Name)]
[JsonDerivedType(typeof(AdaGcPolicy), AdaGcPolicy.Name)]
public abstract record ClipPolicy
{
    private protected ClipPolicy(string kind) => Kind = kind;

    /// <summary>The policy's name, as in checkpoints and on the command line.</summary>
    [JsonIgnore]
    public string Kind { get; }

    /// <summary>Names of all policies, as in checkpoints and on the command line.</summary>
    public static IReadOnlyList<string> Kinds { get; } =
        [GlobalNormPolicy.Name, PerTensorPolicy.Name, ValuePolicy.Name, AgcPolicy.Name, ZClipPolicy.Name, AdaGcPolicy.Name];

    /// <summary>The policy of that name, with its defaults.</summary>
    /// <param name="kind">One of <see cref="Kinds"/>.</param>
    /// <returns>The policy.</returns>
    /// <exception cref="ArgumentException">There is no such policy.</exception>
    public static ClipPolicy Create(string kind) => kind switch
    {
        GlobalNormPolicy.Name => new GlobalNormPolicy(),
        PerTensorPolicy.Name => new PerTensorPolicy(),
        ValuePolicy.Name => new ValuePolicy(),
        AgcPolicy.Name => new AgcPolicy(),
        ZClipPolicy.Name => new ZClipPolicy(),
        AdaGcPolicy.Name => new AdaGcPolicy(),
        _ => throw new ArgumentException($"There is no clip policy '{kind}'. Choose one of {string.Join(", ", Kinds)}.", nameof(kind)),
    };

    /// <exception cref="ArgumentException">An option is out of range; the message names it.</exception>
    internal virtual void Validate()
    {
    }

    /// <summary>Makes what carries the policy out; null for the global norm, which the second clip kernel decides itself.</summary>
    internal abstract PolicyWork? CreateWork(Device device, TensorSet gradients, ChunkTable table, ClipSettings settings);

    private protected static void CheckDecay(double decay)
    {
        if (!(decay >= 0 && decay < 1))
            throw new ArgumentOutOfRangeException(nameof(decay), decay, $"The policy's Decay is {decay}; expected a number from 0 up to, but not including, 1.");
    }

    private protected static void CheckWarmup(int steps, int least = 1)
    {
        if (steps < least || steps > 1_000_000)
            throw new ArgumentOutOfRangeException(nameof(steps), steps, $"The policy's WarmupSteps are {steps}; expected {least} to 1000000.");
    }

    private protected static void CheckPositive(string name, double value)
    {
        if (!(value > 0 && value <= float.MaxValue))
            throw new ArgumentOutOfRangeException(name, value, $"The policy's {name} is {value}; expected a number above 0 that float32 can hold.");
    }
}
