namespace Andrea.Tensors;

/// <summary>Looks for a gradient that is there while what it is for is away: such a tensor could not be updated, so its step must not count.</summary>
/// <remarks>Looks whenever a tensor has moved; else one comparison. Allocates nothing. The other way round all is well: the tensor is passed by.</remarks>
/// <param name="gradients">The gradients.</param>
/// <param name="parameters">Their parameters, tensor for tensor.</param>
/// <param name="moments">Their moments, likewise, where they are borrowed, too.</param>
internal sealed class PresenceCheck(TensorSet gradients, TensorSet parameters, params TensorSet[] moments)
{
    // Before the first look.
    private int _version = -1;

    /// <summary>Looks if something has moved since the last time all was well.</summary>
    /// <exception cref="InvalidOperationException">There is such a gradient; thrown again until it or its parameter has moved.</exception>
    public void Follow()
    {
        int version = gradients.Version + parameters.Version;
        foreach (TensorSet set in moments)
            version += set.Version;
        if (version == _version)
            return;
        for (int i = 0; i < gradients.Count; i++)
            if (gradients.IsPresent(i) && !IsWhole(i))
                throw new InvalidOperationException(
                    $"Tensor '{parameters.NameOf(i)}' has a gradient, but its parameter or a moment is not there. Move it to where it lies, or the gradient to null.");
        _version = version;
    }

    private bool IsWhole(int tensor)
    {
        foreach (TensorSet set in moments)
            if (!set.IsPresent(tensor))
                return false;
        return parameters.IsPresent(tensor);
    }
}
