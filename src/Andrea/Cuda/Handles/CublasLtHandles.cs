using Andrea.Cuda.Interop;

namespace Andrea.Cuda.Handles;

/// <summary>Owns one thing that cuBLASLt made. It holds the context, so that the library's own part goes before it.</summary>
internal abstract class CublasLtHandle(ContextHandle context, ICublasLt library, Func<ICublasLt, nint> create)
    : CudaHandle(context, _ => create(library))
{
    protected abstract CublasStatus Destroy(ICublasLt library, nint value);

    // For the books only success counts, or that the process is ending and the library with it.
    protected sealed override CudaResult Free(ICudaDriver driver, nint value) => Destroy(library, value) switch
    {
        CublasStatus.Success => CudaResult.Success,
        CublasStatus.NotInitialized => CudaResult.Deinitialized,
        _ => CudaResult.Unknown,
    };
}

/// <summary>The library, started for one context.</summary>
internal sealed class CublasHandle(ContextHandle context, ICublasLt library) : CublasLtHandle(context, library, lt => lt.Create())
{
    protected override CublasStatus Destroy(ICublasLt library, nint value) => library.Destroy(value);
}

/// <summary>The description of a product in float32.</summary>
internal sealed class MatmulDescriptorHandle(ContextHandle context, ICublasLt library, CublasCompute compute)
    : CublasLtHandle(context, library, lt => lt.CreateDescriptor(compute, CublasDataType.Float32))
{
    protected override CublasStatus Destroy(ICublasLt library, nint value) => library.DestroyDescriptor(value);
}

/// <summary>The description of a column-major matrix of float32 without gaps.</summary>
internal sealed class MatrixLayoutHandle(ContextHandle context, ICublasLt library, long rows, long columns)
    : CublasLtHandle(context, library, lt => lt.CreateLayout(CublasDataType.Float32, rows, columns, leadingDimension: rows))
{
    protected override CublasStatus Destroy(ICublasLt library, nint value) => library.DestroyLayout(value);
}

/// <summary>The wishes for a search.</summary>
internal sealed class MatmulPreferenceHandle(ContextHandle context, ICublasLt library)
    : CublasLtHandle(context, library, lt => lt.CreatePreference())
{
    protected override CublasStatus Destroy(ICublasLt library, nint value) => library.DestroyPreference(value);
}
