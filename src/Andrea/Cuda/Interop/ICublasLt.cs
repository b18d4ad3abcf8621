namespace Andrea.Cuda.Interop;

/// <summary>The part of cuBLASLt, NVIDIA's library of matrix products, that Andrea uses; or the tests' emulator in its place.</summary>
/// <remarks>
/// Operations throw <see cref="CudaException"/> unless they say otherwise; those named Destroy never throw and return the code.
/// <see cref="Create"/> and <see cref="Multiply"/> need a current context. Matrices are column-major: element (r, c) is at
/// c * leading dimension + r. Attributes are given as the library takes them: a pointer to the value, and its bytes.
/// </remarks>
internal unsafe interface ICublasLt
{
    /// <summary>Where cuBLASLt was found.</summary>
    string Library { get; }

    /// <summary>Version as in <c>12.4.5</c>.</summary>
    Version Version { get; }

    /// <summary>Starts the library for the current context.</summary>
    nint Create();

    CublasStatus Destroy(nint handle);

    /// <summary>Makes the description of a product: D = alpha op(A) op(B) + beta C, and more by its attributes.</summary>
    nint CreateDescriptor(CublasCompute compute, CublasDataType scaleType);

    CublasStatus DestroyDescriptor(nint descriptor);

    void SetAttribute(nint descriptor, MatmulAttribute attribute, void* value, int bytes);

    /// <summary>Makes the description of a matrix in memory.</summary>
    nint CreateLayout(CublasDataType type, long rows, long columns, long leadingDimension);

    CublasStatus DestroyLayout(nint layout);

    /// <summary>Makes the wishes for a search.</summary>
    nint CreatePreference();

    CublasStatus DestroyPreference(nint preference);

    void SetAttribute(nint preference, MatmulPreference attribute, void* value, int bytes);

    /// <summary>Looks for algorithms, the fastest by estimate first. Tries nothing on the GPU.</summary>
    /// <returns>How many were found; 0 where the library cannot do such a product.</returns>
    int FindAlgorithms(nint handle, nint descriptor, in MatmulLayouts layouts, nint preference, Span<MatmulHeuristic> found);

    /// <summary>Enqueues the product. Scalars are read before the call returns. D may be C if their layouts are the same object.</summary>
    /// <exception cref="CudaException">With the code <see cref="CublasStatus.NotSupported"/> where the algorithm cannot do it after all.</exception>
    void Multiply(
        nint handle, nint descriptor, float alpha, float beta, in MatmulLayouts layouts, in MatmulAddresses addresses,
        in MatmulAlgorithm algorithm, nint workspace, long workspaceBytes, nint stream);
}

/// <summary>The layouts of a product's four matrices.</summary>
internal readonly record struct MatmulLayouts(nint A, nint B, nint C, nint D);

/// <summary>The device addresses of a product's four matrices.</summary>
internal readonly record struct MatmulAddresses(nint A, nint B, nint C, nint D);
