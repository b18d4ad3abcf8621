namespace Andrea;

/// <summary>Which normalisation a block applies before attention and MLP.</summary>
public enum NormKind
{
    /// <summary>(x - mean) / sqrt(variance + eps) * weight + bias (Ba et al. 2016, arXiv:1607.06450).</summary>
    LayerNorm,

    /// <summary>x / sqrt(mean(x^2) + eps) * weight (Zhang and Sennrich 2019, arXiv:1910.07467).</summary>
    RmsNorm,
}
