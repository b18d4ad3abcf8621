using Andrea.Numerics;
using Andrea.Tensors;

namespace Andrea.Gpt;

/// <summary>From which distribution weight matrices and tables are drawn.</summary>
public enum InitializationKind
{
    /// <summary>N(0, 0.02); projections back into the residual stream N(0, 0.02 / sqrt(2 L)). Radford et al. 2019.</summary>
    Gpt2,

    /// <summary>N(0, 1 / sqrt(fan-in)), tables N(0, 1 / sqrt(C)), as ANDREA begins.</summary>
    Andrea,

    /// <summary>Uniform in +-sqrt(6 / (fan-in + fan-out)); tables as GPT-2. Glorot and Bengio 2010.</summary>
    Xavier,

    /// <summary>N(0, sqrt(2 / fan-in)); tables as GPT-2. He et al. 2015, arXiv:1502.01852.</summary>
    He,

    /// <summary>As GPT-2, but nothing beyond two standard deviations.</summary>
    TruncatedNormal,
}

/// <summary>Fills a model's parameters with their first values: a pure function of kind and seed, the same bits on every machine.</summary>
/// <remarks>Norm weights are 1 and biases 0, whatever the kind. Every tensor has a random stream of its own.</remarks>
internal static class Initialization
{
    private const double Gpt2Deviation = 0.02;

    // Probability below -2 standard deviations.
    private const double TwoDeviations = 0.022750131948179195;

    // Streams from here on belong to tensors; lower ones to the order of the data.
    private const ulong FirstStream = 1UL << 32;

    /// <summary>Draws all parameters anew.</summary>
    /// <param name="parameters">The parameters of a GPT; overwritten.</param>
    /// <param name="layerCount">Number of blocks, for the scale of residual projections.</param>
    /// <param name="kind">The distribution.</param>
    /// <param name="seed">The run's seed.</param>
    public static void Fill(ParameterArena parameters, int layerCount, InitializationKind kind, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentOutOfRangeException.ThrowIfLessThan(layerCount, 1);
        if (!Enum.IsDefined(kind))
            throw new ArgumentOutOfRangeException(nameof(kind), kind, "Unknown initialisation. Choose Gpt2, Andrea, Xavier, He or TruncatedNormal.");
        for (int i = 0; i < parameters.Count; i++)
        {
            Tensor tensor = parameters[i];
            if (tensor.Shape.Rank == 1)
                FillConstant(tensor, parameters.NameOf(i).EndsWith("weight", StringComparison.Ordinal) ? 1 : 0);
            else
                FillRandom(tensor, parameters.NameOf(i), layerCount, kind, new Philox(seed, FirstStream + (ulong)i));
        }
    }

    private static void FillConstant(Tensor tensor, float value)
    {
        var values = new float[tensor.Length];
        Array.Fill(values, value);
        tensor.CopyFrom(values);
    }

    private static void FillRandom(Tensor tensor, string name, int layerCount, InitializationKind kind, Philox random)
    {
        double scale = Scale(tensor.Shape, name, layerCount, kind);
        bool uniform = kind == InitializationKind.Xavier && !IsTable(name);
        var block = new float[(int)Math.Min(tensor.Length, 1 << 16)];
        for (long start = 0; start < tensor.Length; start += block.Length)
        {
            Span<float> part = block.AsSpan(0, (int)Math.Min(block.Length, tensor.Length - start));
            foreach (ref float value in part)
            {
                double draw = random.NextDouble();
                double standard = uniform ? 2 * draw - 1
                    : kind == InitializationKind.TruncatedNormal ? NormalQuantile.At(TwoDeviations + draw * (1 - 2 * TwoDeviations))
                    : NormalQuantile.At(draw);
                value = (float)(scale * standard);
            }
            tensor.CopyFrom(part, start);
        }
    }

    /// <summary>The standard deviation, or half the width for a uniform distribution.</summary>
    private static double Scale(TensorShape shape, string name, int layerCount, InitializationKind kind)
    {
        double fanOut = shape[0], fanIn = shape[1];
        bool intoResidual = name.EndsWith("c_proj.weight", StringComparison.Ordinal);
        double gpt2 = intoResidual ? Gpt2Deviation / Math.Sqrt(2.0 * layerCount) : Gpt2Deviation;
        return kind switch
        {
            InitializationKind.Andrea => 1 / Math.Sqrt(fanIn),
            InitializationKind.Xavier when !IsTable(name) => Math.Sqrt(6 / (fanIn + fanOut)),
            InitializationKind.He when !IsTable(name) => Math.Sqrt(2 / fanIn),
            _ => gpt2,
        };
    }

    private static bool IsTable(string name) => name is GptParameters.TokenTable or GptParameters.PositionTable;
}
