using System.Text.Json.Serialization;

namespace Andrea.Gpt;

/// <summary>The sizes and options of a GPT: a pre-norm decoder, token + position embedding, L blocks, a final norm, an output head.</summary>
/// <remarks>Each block: x += Attention(Norm(x)); x += Mlp(Norm(x)). A <see cref="GptModel"/> checks every size, and names the one that is wrong.</remarks>
public sealed record GptConfig
{
    /// <summary>Number of different tokens, V.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Most tokens a sequence can have, T: the length of the position table.</summary>
    public required int ContextLength { get; init; }

    /// <summary>Width of the residual stream, C.</summary>
    public required int ChannelCount { get; init; }

    /// <summary>Number of attention heads, H; divides <see cref="ChannelCount"/>.</summary>
    public required int HeadCount { get; init; }

    /// <summary>Number of blocks, L.</summary>
    public required int LayerCount { get; init; }

    /// <summary>Whether the output head is the token table itself, instead of a matrix of its own.</summary>
    public bool TiedHead { get; init; }

    /// <summary>Whether linear layers and LayerNorms have biases. The head never has one; RMSNorm never has one.</summary>
    public bool Biases { get; init; }

    /// <summary>LayerNorm (default) or RMSNorm.</summary>
    public NormKind Norm { get; init; } = NormKind.LayerNorm;

    /// <summary>GELU (default) or ReLU.</summary>
    public ActivationKind Activation { get; init; } = ActivationKind.Gelu;

    /// <summary>Added to the variance under the norm's root.</summary>
    /// <value>1e-5, as in GPT-2 and PyTorch's LayerNorm.</value>
    public float NormEpsilon { get; init; } = 1e-5f;

    /// <summary>Channels of one attention head, D = C / H.</summary>
    [JsonIgnore]
    public int HeadSize => ChannelCount / HeadCount;

    /// <summary>Width of the MLP's hidden layer: 4 C.</summary>
    [JsonIgnore]
    public int HiddenCount => 4 * ChannelCount;

    /// <summary>Checks every size.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A size is not positive, too large, or does not divide; the message names it.</exception>
    internal void Validate()
    {
        CheckSize(nameof(VocabularySize), VocabularySize, 1 << 24);
        CheckSize(nameof(ContextLength), ContextLength, 1 << 20);
        CheckSize(nameof(ChannelCount), ChannelCount, 1 << 16);
        CheckSize(nameof(HeadCount), HeadCount, ChannelCount);
        CheckSize(nameof(LayerCount), LayerCount, 1 << 10);
        if (ChannelCount % HeadCount != 0)
            throw new ArgumentOutOfRangeException(
                nameof(HeadCount), HeadCount, $"{nameof(ChannelCount)} {ChannelCount} is not divisible by {nameof(HeadCount)} {HeadCount}. Choose a width that is a multiple of the number of heads.");
        if (!Enum.IsDefined(Norm))
            throw new ArgumentOutOfRangeException(nameof(Norm), Norm, $"{nameof(Norm)} {(int)Norm} is unknown. Choose {nameof(NormKind.LayerNorm)} or {nameof(NormKind.RmsNorm)}.");
        if (!Enum.IsDefined(Activation))
            throw new ArgumentOutOfRangeException(nameof(Activation), Activation, $"{nameof(Activation)} {(int)Activation} is unknown. Choose {nameof(ActivationKind.Gelu)} or {nameof(ActivationKind.Relu)}.");
        if (!(NormEpsilon > 0 && float.IsFinite(NormEpsilon)))
            throw new ArgumentOutOfRangeException(nameof(NormEpsilon), NormEpsilon, $"{nameof(NormEpsilon)} is {NormEpsilon}; it must be a positive, finite number, usually 1e-5.");
    }

    private static void CheckSize(string name, int value, int largest)
    {
        if (value < 1 || value > largest)
            throw new ArgumentOutOfRangeException(name, value, $"{name} is {value}; it must be between 1 and {largest}.");
    }
}
