namespace Andrea.Tensors;

/// <summary>What an object allocates while it is built, given back together: when the object is disposed, or when building it fails half way.</summary>
/// <remarks>A GPU that is too small is met in constructors, and whoever tries again with less must find all of its memory free.</remarks>
internal sealed class OwnedMemory : IDisposable
{
    private readonly List<IDisposable> _owned = [];

    /// <summary>Takes ownership.</summary>
    /// <returns>What was given.</returns>
    public T Add<T>(T owned)
        where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    /// <summary>Gives everything back, the last first. Safe to call twice.</summary>
    public void Dispose()
    {
        for (int i = _owned.Count - 1; i >= 0; i--)
            _owned[i].Dispose();
    }
}
