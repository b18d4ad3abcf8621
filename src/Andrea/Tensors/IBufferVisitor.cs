namespace Andrea.Tensors;

/// <summary>Is shown device memory, whatever its elements are: so that one part's memory can be copied by another that need not know what is in it.</summary>
internal interface IBufferVisitor
{
    /// <summary>Is shown a buffer.</summary>
    /// <param name="buffer">Not owned; must not be freed.</param>
    void Visit<T>(DeviceBuffer<T> buffer)
        where T : unmanaged;
}
