namespace Andrea.Tensors;

/// <summary>Cuts a set of tensors into chunks, in device memory, so that one launch covers all tensors wherever they lie.</summary>
internal sealed class ChunkTable : IDisposable
{
    private readonly OwnedMemory _owned = new();

    /// <summary>Cuts the tensors of <paramref name="gradients"/>; the other sets, where given, must have the same lengths.</summary>
    public ChunkTable(Device device, TensorSet gradients, TensorSet? parameters = null, TensorSet? firstMoments = null, TensorSet? secondMoments = null)
    {
        foreach (TensorSet? set in (TensorSet?[])[gradients, parameters, firstMoments, secondMoments])
            if (set is not null)
            {
                CheckDevice(set, device);
                set.Freeze();
            }
        TensorCount = gradients.Count;
        var chunks = new List<Chunk>();
        var firstChunks = new int[TensorCount + 1];
        for (int tensor = 0; tensor < TensorCount; tensor++)
        {
            firstChunks[tensor] = chunks.Count;
            long length = gradients.ShapeOf(tensor).Length;
            for (long start = 0; start < length; start += Chunk.MaxLength)
            {
                nint offsetBytes = (nint)(start * sizeof(float));
                nint At(TensorSet? set) => set is null ? 0 : set.AddressOf(tensor) + offsetBytes;
                chunks.Add(new Chunk
                {
                    Gradient = At(gradients),
                    Parameter = At(parameters),
                    FirstMoment = At(firstMoments),
                    SecondMoment = At(secondMoments),
                    Start = start,
                    Length = (int)Math.Min(Chunk.MaxLength, length - start),
                    Tensor = tensor,
                });
            }
        }
        firstChunks[TensorCount] = chunks.Count;
        try
        {
            Chunks = _owned.Add(device.Backend.Allocate<Chunk>(chunks.Count));
            Chunks.CopyFrom(chunks.ToArray());
            FirstChunks = _owned.Add(device.Backend.Allocate<int>(firstChunks.Length));
            FirstChunks.CopyFrom(firstChunks);
        }
        catch
        {
            _owned.Dispose();
            throw;
        }
    }

    /// <summary>Number of tensors, empty ones included.</summary>
    public int TensorCount { get; }

    /// <summary>Number of chunks of all tensors.</summary>
    public int ChunkCount => (int)Chunks.Length;

    /// <summary>The chunks, tensor by tensor, each from front to back.</summary>
    public DeviceBuffer<Chunk> Chunks { get; }

    /// <summary>(TensorCount + 1): where each tensor's chunks begin; the last entry is the chunk count.</summary>
    public DeviceBuffer<int> FirstChunks { get; }

    /// <summary>A kernel that meets memory it cannot use takes the whole GPU context down, so it is asked before.</summary>
    /// <exception cref="DeviceMismatchException">The set lies elsewhere.</exception>
    public static void CheckDevice(TensorSet set, Device device)
    {
        if (set.Device is { } owner)
        {
            if (owner != device)
                throw new DeviceMismatchException($"The arena of '{(set.Count > 0 ? set.NameOf(0) : "")}'", owner, "its user", device);
            return;
        }
        for (int tensor = 0; tensor < set.Count; tensor++)
            if (set.ShapeOf(tensor).Length > 0
                && device.Backend.ComplaintAbout(set.AddressOf(tensor), set.ShapeOf(tensor).Length * sizeof(float)) is { } complaint)
                throw new DeviceMismatchException($"Tensor '{set.NameOf(tensor)}' {complaint}.");
    }

    public void Dispose() => _owned.Dispose();
}
