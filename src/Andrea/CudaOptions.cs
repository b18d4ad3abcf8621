using Andrea.Cuda;

namespace Andrea;

/// <summary>How to use a GPU; the defaults suit everybody who has no CUDA code of their own.</summary>
public sealed record CudaOptions
{
    /// <summary>The legacy default stream, which TorchSharp and the CUDA runtime use unless told otherwise.</summary>
    public const nint LegacyDefaultStream = CudaStream.LegacyDefault;

    /// <summary>The calling thread's own default stream.</summary>
    public const nint PerThreadDefaultStream = CudaStream.PerThreadDefault;

    /// <summary>Which GPU, from 0; as CUDA_VISIBLE_DEVICES numbers them. Not used with a <see cref="Context"/>, which knows its GPU.</summary>
    /// <value>0 by default.</value>
    public int Ordinal { get; init; }

    /// <summary>The CUcontext that everything is done in, for programs that make contexts of their own (ManagedCuda's <c>CudaContext</c>, cuCtxCreate):
    /// memory of one context cannot be used in another. Not owned; it must outlive the device.</summary>
    /// <value>Null by default: the GPU's primary context, which the CUDA runtime, TorchSharp and ManagedCuda's <c>PrimaryContext</c> share.</value>
    public nint? Context { get; init; }

    /// <summary>The stream that everything is enqueued on: a CUstream of the <see cref="Context"/>, or one of the constants above. Not owned; it
    /// must outlive the device.</summary>
    /// <value>Null by default: a stream of Andrea's own. What another library's stream has still to do to the same memory is then waited for
    /// only if the caller synchronises.</value>
    public nint? Stream { get; init; }

    /// <summary>Whether matrix products may round their factors to TF32 (10 bits of mantissa instead of 23), several times faster on GPUs
    /// from Ampere on. Needs cuBLASLt; without it products stay in float32.</summary>
    /// <value>False by default.</value>
    public bool AllowTf32 { get; init; }

    /// <summary>Whether cuBLASLt multiplies matrices where it is installed.</summary>
    /// <value>True by default; false takes Andrea's own kernels.</value>
    public bool UseCublas { get; init; } = true;
}
