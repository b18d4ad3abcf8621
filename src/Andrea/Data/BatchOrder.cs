namespace Andrea.Data;

/// <summary>Which windows of the training part follow each other.</summary>
public enum BatchOrder
{
    /// <summary>Every window begins at an independent, uniformly drawn token, as in nanoGPT. Some text comes twice before other text
    /// comes once.</summary>
    Random,

    /// <summary>
    /// Epochs: the text is cut into windows that do not overlap, and each is drawn once, in shuffled order, before any is drawn again.
    /// Every epoch has its own order, and cuts at its own places.
    /// </summary>
    ShuffledEpochs,
}
