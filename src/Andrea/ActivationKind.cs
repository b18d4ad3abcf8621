namespace Andrea;

/// <summary>The MLP's nonlinearity.</summary>
public enum ActivationKind
{
    /// <summary>0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), as in GPT-2 (Hendrycks and Gimpel 2016, arXiv:1606.08415).</summary>
    Gelu,

    /// <summary>max(0, x); its slope at 0 is taken as 0.</summary>
    Relu,
}
