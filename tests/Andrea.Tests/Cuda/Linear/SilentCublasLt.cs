using Andrea.Cuda;
using Andrea.Cuda.Interop;

namespace Andrea.Tests.Cuda.Linear;

/// <summary>A cuBLASLt that does nothing but hand out handles: for tests of who owns what, and of what a call allocates.</summary>
internal sealed unsafe class SilentCublasLt : ICublasLt
{
    private readonly HashSet<nint> _alive = [];
    private nint _next = 0x9000;

    public string Library => "silent";

    public Version Version => new(13, 0, 1);

    public int AliveCount => _alive.Count;

    /// <summary>Largest workspace that a search allowed.</summary>
    public long WorkspaceBytes { get; private set; }

    /// <summary>What <see cref="Create"/> fails with, if it shall.</summary>
    public CudaException? CreateFails { get; init; }

    /// <summary>Whether searches fail instead of finding something.</summary>
    public bool SearchFails { get; set; }

    public nint Create() => CreateFails is null ? Make() : throw CreateFails;

    public CublasStatus Destroy(nint handle) => End(handle);

    public nint CreateDescriptor(CublasCompute compute, CublasDataType scaleType) => Make();

    public CublasStatus DestroyDescriptor(nint descriptor) => End(descriptor);

    public void SetAttribute(nint descriptor, MatmulAttribute attribute, void* value, int bytes)
    {
    }

    public nint CreateLayout(CublasDataType type, long rows, long columns, long leadingDimension) => Make();

    public CublasStatus DestroyLayout(nint layout) => End(layout);

    public nint CreatePreference() => Make();

    public CublasStatus DestroyPreference(nint preference) => End(preference);

    public void SetAttribute(nint preference, MatmulPreference attribute, void* value, int bytes)
    {
        if (attribute == MatmulPreference.MaxWorkspaceBytes)
            WorkspaceBytes = *(long*)value;
    }

    public int FindAlgorithms(nint handle, nint descriptor, in MatmulLayouts layouts, nint preference, Span<MatmulHeuristic> found)
    {
        if (SearchFails)
            throw new CudaException("cublasLtMatmulAlgoGetHeuristic", (int)CublasStatus.InvalidValue, "CUBLAS_STATUS_INVALID_VALUE", "as wished.");
        found[0] = default;
        return 1;
    }

    public void Multiply(
        nint handle, nint descriptor, float alpha, float beta, in MatmulLayouts layouts, in MatmulAddresses addresses,
        in MatmulAlgorithm algorithm, nint workspace, long workspaceBytes, nint stream)
    {
    }

    private nint Make()
    {
        _alive.Add(_next);
        return _next++;
    }

    private CublasStatus End(nint value) => _alive.Remove(value) ? CublasStatus.Success : CublasStatus.InvalidValue;
}
