using Andrea.Tensors;

namespace Andrea.Gpt;

/// <summary>A norm's parameters, or their gradients. The bias may be none.</summary>
internal readonly record struct NormTensors(Tensor Weight, Tensor Bias)
{
    public static NormTensors Of(ParameterArena arena, string part) =>
        new(arena[GptParameters.Weight(part)], GptBlock.Optional(arena, GptParameters.Bias(part)));
}

/// <summary>A linear layer's parameters, or their gradients. The bias may be none.</summary>
internal readonly record struct LinearTensors(Tensor Weight, Tensor Bias, int InputSize, int OutputSize)
{
    public static LinearTensors Of(ParameterArena arena, string part) => Of(arena, GptParameters.Weight(part), GptParameters.Bias(part));

    public static LinearTensors Of(ParameterArena arena, string weight, string bias)
    {
        Tensor tensor = arena[weight];
        return new LinearTensors(tensor, GptBlock.Optional(arena, bias), (int)tensor.Shape[1], (int)tensor.Shape[0]);
    }
}

/// <summary>One block's tensors in an arena of parameters, or of gradients.</summary>
internal sealed class GptBlock(ParameterArena arena, int layer)
{
    public NormTensors Norm1 { get; } = NormTensors.Of(arena, GptParameters.Block(layer, "ln_1"));

    public LinearTensors Qkv { get; } = LinearTensors.Of(arena, GptParameters.Block(layer, "attn.c_attn"));

    public LinearTensors AttentionProjection { get; } = LinearTensors.Of(arena, GptParameters.Block(layer, "attn.c_proj"));

    public NormTensors Norm2 { get; } = NormTensors.Of(arena, GptParameters.Block(layer, "ln_2"));

    public LinearTensors Hidden { get; } = LinearTensors.Of(arena, GptParameters.Block(layer, "mlp.c_fc"));

    public LinearTensors MlpProjection { get; } = LinearTensors.Of(arena, GptParameters.Block(layer, "mlp.c_proj"));

    public static Tensor Optional(ParameterArena arena, string name) => arena.Layout.Contains(name) ? arena[name] : Tensor.None;
}

/// <summary>All of a GPT's tensors in an arena of parameters, or of gradients, found by name once.</summary>
internal sealed class GptTensors
{
    public GptTensors(ParameterArena arena, GptConfig config)
    {
        TokenTable = arena[GptParameters.TokenTable];
        PositionTable = arena[GptParameters.PositionTable];
        Blocks = new GptBlock[config.LayerCount];
        for (int layer = 0; layer < Blocks.Length; layer++)
            Blocks[layer] = new GptBlock(arena, layer);
        FinalNorm = NormTensors.Of(arena, GptParameters.FinalNorm);
        string head = config.TiedHead ? GptParameters.TokenTable : GptParameters.Weight(GptParameters.Head);
        Head = LinearTensors.Of(arena, head, GptParameters.Bias(GptParameters.Head));
    }

    public Tensor TokenTable { get; }

    public Tensor PositionTable { get; }

    public GptBlock[] Blocks { get; }

    public NormTensors FinalNorm { get; }

    /// <summary>The token table itself when the head is tied.</summary>
    public LinearTensors Head { get; }
}
