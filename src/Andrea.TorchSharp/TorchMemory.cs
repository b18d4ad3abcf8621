using System.Runtime.InteropServices;
using TorchSharp;

namespace Andrea.TorchSharp;

/// <summary>Where a TorchSharp tensor's elements lie, and whether Andrea can work on them there.</summary>
internal static partial class TorchMemory
{
    /// <summary>Address of the first element, in the memory of the tensor's device; 0 when it has none.</summary>
    public static nint AddressOf(torch.Tensor tensor) => THSTensor_data(tensor.Handle);

    /// <summary>Refuses what is not dense, contiguous float32 on the device at hand.</summary>
    /// <param name="tensor">The tensor.</param>
    /// <param name="kind">What it is, as <c>The gradient of</c>.</param>
    /// <param name="name">Whose.</param>
    /// <param name="device">Where it has to be.</param>
    /// <param name="length">How many elements it has to have.</param>
    /// <exception cref="NotSupportedException">It is something else; the message says what, and what to do.</exception>
    /// <exception cref="InvalidOperationException">It has been disposed.</exception>
    public static void Check(torch.Tensor tensor, string kind, string name, TorchPlace device, long length)
    {
        CheckAlive(tensor, kind, name);
        if (tensor.is_sparse)
            throw new NotSupportedException($"{kind} '{name}' is sparse; Andrea works on dense tensors. Make the layer give dense gradients (Embedding: sparse: false).");
        if (tensor.dtype != torch.ScalarType.Float32)
            throw new NotSupportedException(
                $"{kind} '{name}' is {tensor.dtype}; Andrea works on Float32. Convert the module with .to(ScalarType.Float32), or leave this parameter to another optimizer.");
        if (!tensor.is_contiguous())
            throw new NotSupportedException(
                $"{kind} '{name}' is not contiguous; Andrea works on contiguous tensors. Give the parameter a contiguous copy of it (see .contiguous()) before this call.");
        if (tensor.numel() != length)
            throw new NotSupportedException(
                $"{kind} '{name}' has {tensor.numel()} elements instead of {length}. Load the state of the same model, or make a new optimizer for parameters of another size.");
        TorchPlace place = TorchPlace.Of(tensor);
        if (place != device)
            throw new NotSupportedException($"{kind} '{name}' lies on {place}, but Andrea was set up on {device}. Move all to one device first, then make the optimizer.");
    }

    /// <summary>Refuses what is no tensor any more; TorchSharp would not say which.</summary>
    /// <exception cref="InvalidOperationException">It has been disposed.</exception>
    public static void CheckAlive(torch.Tensor tensor, string kind, string name)
    {
        if (tensor.IsInvalid)
            throw new InvalidOperationException(
                $"{kind} '{name}' has been disposed. A module that is converted or moved by .to() gets new parameters: make the optimizer, or the clipper, of those, afterwards.");
    }

    /// <summary>What TorchSharp's own <c>Tensor.bytes</c> calls; that property hands it out for the CPU only, this also for a GPU.</summary>
    [LibraryImport("LibTorchSharp")]
    private static partial nint THSTensor_data(nint tensor);
}
