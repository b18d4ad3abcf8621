using Andrea.Cuda.Handles;
using Andrea.Cuda.Interop;

namespace Andrea.Cuda.Linear;

/// <summary>One kind of product, ready to be enqueued again and again: its description and the algorithm that cuBLASLt chose.</summary>
internal sealed unsafe class MatmulPlan : IDisposable
{
    // Split sums must be joined in a fixed order, so that every run gives the same bits: partial sums go to the workspace, and a second
    // kernel adds them share by share. In place, shares would be added to D in the order in which they happen to finish.
    private const ReductionSchemes Deterministic = ReductionSchemes.ComputeType | ReductionSchemes.OutputType;

    // The first ones may turn out not to work.
    private const int Candidates = 8;

    private readonly ICublasLt _library;
    private readonly CublasHandle _cublas;
    private readonly MatmulDescriptorHandle _descriptor;
    private readonly MatrixLayoutHandle _a, _b, _d;
    private readonly float _beta;
    private readonly MatmulAlgorithm _algorithm;
    private nint _bias;

    /// <summary>Plans a product.</summary>
    /// <param name="context">Where it is computed.</param>
    /// <param name="library">cuBLASLt.</param>
    /// <param name="cublas">The library's handle, not owned.</param>
    /// <param name="key">The product.</param>
    /// <param name="bias">A bias's address such as those to come; 0 for none.</param>
    /// <param name="compute">Precision.</param>
    /// <param name="workspaceBytes">Size of the workspace to come.</param>
    public MatmulPlan(
        ContextHandle context, ICublasLt library, CublasHandle cublas, in MatmulKey key, nint bias, CublasCompute compute, long workspaceBytes)
    {
        (_library, _cublas, _beta) = (library, cublas, key.Accumulates ? 1 : 0);
        LinearProduct product = key.Product;
        try
        {
            _descriptor = new MatmulDescriptorHandle(context, library, compute);
            Set(MatmulAttribute.TransposeA, product.TransposeA ? 1 : 0);
            Set(MatmulAttribute.TransposeB, product.TransposeB ? 1 : 0);
            if (key.HasBias)
            {
                Set(MatmulAttribute.Epilogue, (int)MatmulEpilogue.Bias);
                SetBias(bias);
            }
            _a = new MatrixLayoutHandle(context, library, product.A.Rows, product.A.Columns);
            _b = new MatrixLayoutHandle(context, library, product.B.Rows, product.B.Columns);
            _d = new MatrixLayoutHandle(context, library, product.D.Rows, product.D.Columns);
            IsUsable = TryFind(context, key.Alignments, workspaceBytes, out _algorithm);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Whether cuBLASLt can compute such a product; else somebody else has to.</summary>
    public bool IsUsable { get; private set; }

    /// <summary>Enqueues the product. Allocates nothing.</summary>
    /// <returns>False when cuBLASLt cannot do it after all; nothing was enqueued then, and <see cref="IsUsable"/> says so from now on.</returns>
    public bool TryMultiply(in MatmulAddresses addresses, nint bias, nint workspace, long workspaceBytes, nint stream)
    {
        if (!IsUsable)
            return false;
        if (bias != _bias)
            SetBias(bias);
        // C has D's layout, the very same object, as cuBLASLt demands where they are the same memory.
        var layouts = new MatmulLayouts(_a.Value, _b.Value, _d.Value, _d.Value);
        try
        {
            _library.Multiply(
                _cublas.Value, _descriptor.Value, alpha: 1, _beta, layouts, addresses, _algorithm, workspace, workspaceBytes, stream);
        }
        catch (CudaException error) when (error.Code == (int)CublasStatus.NotSupported)
        {
            IsUsable = false;
        }
        return IsUsable;
    }

    public void Dispose()
    {
        _descriptor?.Dispose();
        _a?.Dispose();
        _b?.Dispose();
        _d?.Dispose();
    }

    private bool TryFind(ContextHandle context, in MatmulAlignments alignments, long workspaceBytes, out MatmulAlgorithm algorithm)
    {
        using var preference = new MatmulPreferenceHandle(context, _library);
        _library.SetAttribute(preference.Value, MatmulPreference.MaxWorkspaceBytes, &workspaceBytes, sizeof(long));
        Set(preference, MatmulPreference.ReductionSchemeMask, (int)Deterministic);
        Set(preference, MatmulPreference.AlignmentOfA, alignments.A);
        Set(preference, MatmulPreference.AlignmentOfB, alignments.B);
        Set(preference, MatmulPreference.AlignmentOfC, alignments.C);
        Set(preference, MatmulPreference.AlignmentOfD, alignments.D);
        Span<MatmulHeuristic> found = stackalloc MatmulHeuristic[Candidates];
        found.Clear();
        int count;
        using (context.Enter())
            count = _library.FindAlgorithms(
                _cublas.Value, _descriptor.Value, new MatmulLayouts(_a.Value, _b.Value, _d.Value, _d.Value), preference.Value, found);
        foreach (ref readonly MatmulHeuristic candidate in found[..count])
        {
            if (candidate.State != CublasStatus.Success || (long)candidate.WorkspaceBytes > workspaceBytes)
                continue;
            algorithm = candidate.Algorithm;
            return true;
        }
        algorithm = default;
        return false;
    }

    private void Set(MatmulAttribute attribute, int value) => _library.SetAttribute(_descriptor.Value, attribute, &value, sizeof(int));

    private void Set(MatmulPreferenceHandle preference, MatmulPreference attribute, int value) =>
        _library.SetAttribute(preference.Value, attribute, &value, sizeof(int));

    private void SetBias(nint bias)
    {
        _library.SetAttribute(_descriptor.Value, MatmulAttribute.BiasPointer, &bias, sizeof(nint));
        _bias = bias;
    }
}
