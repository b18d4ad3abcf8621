using System.Diagnostics;

namespace Andrea.Tensors;

/// <summary>Cuts a set of tensors into chunks, in device memory, so that one launch covers all tensors wherever they lie.</summary>
/// <remarks>How tensors are cut is decided once. Where they lie may change (<see cref="ExternalTensors.Move(int, nint)"/>): <see cref="Follow"/>.</remarks>
internal sealed class ChunkTable : IDisposable
{
    private readonly Device _device;
    private readonly TensorSet _gradients;
    private readonly TensorSet?[] _sets;

    // What the device has, so that following writes addresses and allocates nothing.
    private readonly Chunk[] _chunks;
    private readonly OwnedMemory _owned = new();
    private int _version;

    /// <summary>Cuts the tensors of <paramref name="gradients"/>; the other sets, where given, must have the same lengths.</summary>
    /// <param name="device">Where all of them lie.</param>
    /// <param name="gradients">The tensors that are cut.</param>
    /// <param name="parameters">Their parameters.</param>
    /// <param name="firstMoments">Their first moments.</param>
    /// <param name="secondMoments">Their second moments.</param>
    /// <param name="members">Indices of the tensors to cut, ascending; null for all. The others get no chunk, but keep their numbers.</param>
    public ChunkTable(
        Device device, TensorSet gradients, TensorSet? parameters = null, TensorSet? firstMoments = null, TensorSet? secondMoments = null,
        IReadOnlyList<int>? members = null)
    {
        _device = device;
        _gradients = gradients;
        _sets = [gradients, parameters, firstMoments, secondMoments];
        foreach (TensorSet? set in _sets)
            if (set is not null)
            {
                CheckDevice(set, device);
                set.Freeze();
            }
        TensorCount = gradients.Count;
        var firstChunks = new int[TensorCount + 1];
        _chunks = Cut(gradients, members, firstChunks);
        try
        {
            Chunks = _owned.Add(device.Backend.Allocate<Chunk>(_chunks.Length));
            FirstChunks = _owned.Add(device.Backend.Allocate<int>(firstChunks.Length));
            WriteAddresses();
            Chunks.CopyFrom(_chunks);
            FirstChunks.CopyFrom(firstChunks);
        }
        catch
        {
            _owned.Dispose();
            throw;
        }
        _version = CurrentVersion();
    }

    /// <summary>Number of tensors, empty ones included.</summary>
    public int TensorCount { get; }

    /// <summary>Number of chunks of all tensors.</summary>
    public int ChunkCount => (int)Chunks.Length;

    /// <summary>The chunks, tensor by tensor, each from front to back.</summary>
    public DeviceBuffer<Chunk> Chunks { get; }

    /// <summary>(TensorCount + 1): where each tensor's chunks begin; the last entry is the chunk count.</summary>
    public DeviceBuffer<int> FirstChunks { get; }

    /// <summary>Learns where tensors lie by now. One comparison when none has moved; else one small upload, in order with what is enqueued
    /// before and after. Allocates nothing.</summary>
    /// <exception cref="DeviceMismatchException">A tensor has moved to memory that the device cannot use; nothing was changed.</exception>
    /// <exception cref="InvalidOperationException">A tensor has moved while operations are being recorded.</exception>
    public void Follow()
    {
        int version = CurrentVersion();
        if (version == _version)
            return;
        if (CheckMoved() is { } moved)
        {
            if (_device.Backend.IsRecording)
                throw new InvalidOperationException(
                    $"Tensor '{moved}' has moved while the stream is being recorded, and a recording cannot follow it. Move it, and use it once, before you record.");
            WriteAddresses();
            _device.Backend.Upload<Chunk>(_chunks, Chunks);
        }
        _version = version;
    }

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
            CheckTensor(set, tensor, device);
    }

    public void Dispose() => _owned.Dispose();

    private static void CheckTensor(TensorSet set, int tensor, Device device)
    {
        nint address = set.AddressOf(tensor);
        long length = set.ShapeOf(tensor).Length;
        if (address != 0 && length > 0 && device.Backend.ComplaintAbout(address, length * sizeof(float)) is { } complaint)
            throw new DeviceMismatchException($"Tensor '{set.NameOf(tensor)}' {complaint}.");
    }

    private static Chunk[] Cut(TensorSet tensors, IReadOnlyList<int>? members, int[] firstChunks)
    {
        var chunks = new List<Chunk>();
        int next = 0;
        for (int tensor = 0; tensor < tensors.Count; tensor++)
        {
            firstChunks[tensor] = chunks.Count;
            if (members is not null && (next == members.Count || members[next] != tensor))
                continue;
            next++;
            long length = tensors.ShapeOf(tensor).Length;
            for (long start = 0; start < length; start += Chunk.MaxLength)
                chunks.Add(new Chunk { Start = start, Tensor = tensor });
        }
        firstChunks[^1] = chunks.Count;
        return [.. chunks];
    }

    private int CurrentVersion()
    {
        int version = 0;
        foreach (TensorSet? set in _sets)
            version += set?.Version ?? 0;
        return version;
    }

    /// <returns>The name of a tensor that has moved; null when all chunks are where they were.</returns>
    private string? CheckMoved()
    {
        string? moved = null;
        foreach (ref Chunk chunk in _chunks.AsSpan())
        {
            if (chunk.Start != 0)
                continue;
            bool present = IsPresent(chunk.Tensor);
            for (int i = 0; i < _sets.Length; i++)
                if (TargetOf(chunk, i, present) != AddressIn(ref chunk, i))
                {
                    moved = _sets[i]!.NameOf(chunk.Tensor);
                    if (present)
                        CheckTensor(_sets[i]!, chunk.Tensor, _device);
                }
        }
        return moved;
    }

    private void WriteAddresses()
    {
        foreach (ref Chunk chunk in _chunks.AsSpan())
        {
            bool present = IsPresent(chunk.Tensor);
            chunk.Length = present ? (int)Math.Min(Chunk.MaxLength, _gradients.ShapeOf(chunk.Tensor).Length - chunk.Start) : 0;
            for (int i = 0; i < _sets.Length; i++)
                AddressIn(ref chunk, i) = TargetOf(chunk, i, present);
        }
    }

    private bool IsPresent(int tensor)
    {
        foreach (TensorSet? set in _sets)
            if (set is not null && !set.IsPresent(tensor))
                return false;
        return true;
    }

    /// <summary>Where a chunk of a set lies. One that is away gets an address that nobody uses, but that is one of device memory, as kernels take for granted.</summary>
    private nint TargetOf(in Chunk chunk, int set, bool present) =>
        _sets[set] is not { } tensors ? 0
        : present ? tensors.AddressOf(chunk.Tensor) + (nint)(chunk.Start * sizeof(float))
        : Chunks.Address;

    private static ref nint AddressIn(ref Chunk chunk, int set)
    {
        Debug.Assert(set is >= 0 and <= 3, "a chunk has four addresses");
        switch (set)
        {
            case 0: return ref chunk.Gradient;
            case 1: return ref chunk.Parameter;
            case 2: return ref chunk.FirstMoment;
            default: return ref chunk.SecondMoment;
        }
    }
}
