using System.Globalization;
using Andrea.Tensors;

namespace Andrea.Gpt;

/// <summary>Names, shapes and order of a GPT's parameters, as they stand in arenas and checkpoints.</summary>
internal static class GptParameters
{
    public const string TokenTable = "wte", PositionTable = "wpe", FinalNorm = "ln_f", Head = "lm_head";

    /// <summary>The layout that <paramref name="config"/> asks for: tables, blocks from the bottom up, final norm, head.</summary>
    public static ParameterLayout CreateLayout(GptConfig config)
    {
        config.Validate();
        int channels = config.ChannelCount;
        var layout = new ParameterLayout();
        layout.Add(TokenTable, new TensorShape(config.VocabularySize, channels));
        layout.Add(PositionTable, new TensorShape(config.ContextLength, channels));
        for (int layer = 0; layer < config.LayerCount; layer++)
        {
            AddNorm(layout, config, Block(layer, "ln_1"));
            AddLinear(layout, config, Block(layer, "attn.c_attn"), channels, 3 * channels);
            AddLinear(layout, config, Block(layer, "attn.c_proj"), channels, channels);
            AddNorm(layout, config, Block(layer, "ln_2"));
            AddLinear(layout, config, Block(layer, "mlp.c_fc"), channels, config.HiddenCount);
            AddLinear(layout, config, Block(layer, "mlp.c_proj"), config.HiddenCount, channels);
        }
        AddNorm(layout, config, FinalNorm);
        if (!config.TiedHead)
            layout.Add(Weight(Head), new TensorShape(config.VocabularySize, channels));
        return layout;
    }

    public static string Block(int layer, string part) => string.Create(CultureInfo.InvariantCulture, $"h.{layer}.{part}");

    public static string Weight(string part) => part + ".weight";

    public static string Bias(string part) => part + ".bias";

    private static void AddNorm(ParameterLayout layout, GptConfig config, string part)
    {
        layout.Add(Weight(part), new TensorShape(config.ChannelCount));
        if (config.Biases && config.Norm == NormKind.LayerNorm)
            layout.Add(Bias(part), new TensorShape(config.ChannelCount));
    }

    private static void AddLinear(ParameterLayout layout, GptConfig config, string part, int inputSize, int outputSize)
    {
        layout.Add(Weight(part), new TensorShape(outputSize, inputSize));
        if (config.Biases)
            layout.Add(Bias(part), new TensorShape(outputSize));
    }
}
