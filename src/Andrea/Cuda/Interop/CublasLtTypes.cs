using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Andrea.Cuda.Interop;

/// <summary>cuBLAS's cublasStatus_t: the codes that Andrea tells apart. The library names the others.</summary>
internal enum CublasStatus
{
    Success = 0,
    NotInitialized = 1,
    AllocationFailed = 3,
    InvalidValue = 7,
    ArchitectureMismatch = 8,
    ExecutionFailed = 13,
    InternalError = 14,

    /// <summary>No algorithm can do it: not a mistake of the caller.</summary>
    NotSupported = 15,
}

/// <summary>How products are computed: cublasComputeType_t.</summary>
internal enum CublasCompute
{
    Float32 = 68,

    /// <summary>Factors rounded to TF32, sums in float32. GPUs before Ampere compute in float32.</summary>
    Float32FastTf32 = 77,
}

/// <summary>The type of elements and scalars: cudaDataType_t.</summary>
internal enum CublasDataType
{
    Float32 = 0,
}

/// <summary>Attributes of a product: cublasLtMatmulDescAttributes_t.</summary>
internal enum MatmulAttribute
{
    /// <summary>int: whether A is transposed, 1 or 0.</summary>
    TransposeA = 3,

    /// <summary>int: the same of B.</summary>
    TransposeB = 4,

    /// <summary>uint: a <see cref="MatmulEpilogue"/>.</summary>
    Epilogue = 7,

    /// <summary>8 bytes: the bias's device address; one element for each of D's rows.</summary>
    BiasPointer = 8,
}

/// <summary>What is done to D before it is written: cublasLtEpilogue_t.</summary>
internal enum MatmulEpilogue : uint
{
    Default = 1,

    /// <summary>The bias is added to every column.</summary>
    Bias = 4,
}

/// <summary>What an algorithm has to respect: cublasLtMatmulPreferenceAttributes_t.</summary>
internal enum MatmulPreference
{
    /// <summary>8 bytes: largest workspace.</summary>
    MaxWorkspaceBytes = 1,

    /// <summary>uint: the <see cref="ReductionSchemes"/> allowed, besides none at all.</summary>
    ReductionSchemeMask = 3,

    /// <summary>uint: what A's address is a multiple of; 256 unless said otherwise. B, C and D follow.</summary>
    AlignmentOfA = 5,
    AlignmentOfB = 6,
    AlignmentOfC = 7,
    AlignmentOfD = 8,
}

/// <summary>How partial sums over shares of the inner dimension are joined: cublasLtReductionScheme_t.</summary>
[Flags]
internal enum ReductionSchemes : uint
{
    None = 0,

    /// <summary>In D itself, by each share when its turn comes.</summary>
    InPlace = 1,

    /// <summary>In the workspace, in the type of computation, by a kernel after the shares are done.</summary>
    ComputeType = 2,

    /// <summary>The same, in D's type.</summary>
    OutputType = 4,
}

/// <summary>cublasLtMatmulAlgo_t: cuBLASLt's choice of a kernel. Opaque, copied freely, good for the process.</summary>
[InlineArray(8)]
internal struct MatmulAlgorithm
{
    private ulong _first;
}

/// <summary>cublasLtMatmulHeuristicResult_t: an algorithm that was found.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct MatmulHeuristic
{
    public MatmulAlgorithm Algorithm;

    /// <summary>Bytes of workspace that it needs.</summary>
    public nuint WorkspaceBytes;

    /// <summary>The other fields mean something only when this is <see cref="CublasStatus.Success"/>.</summary>
    public CublasStatus State;

    /// <summary>How often its blocks fill the GPU.</summary>
    public float Waves;

    private readonly ReservedWords _reserved;

    [InlineArray(4)]
    private struct ReservedWords
    {
        private int _first;
    }
}
