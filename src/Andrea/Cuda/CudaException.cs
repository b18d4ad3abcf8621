namespace Andrea.Cuda;

/// <summary>The CUDA driver, or a library beside it, refused a call.</summary>
/// <remarks>Kernels run later than the call that starts them, so an error of one is often reported by a call after it.
/// With ANDREA_CUDA_SYNC=1 in the environment every kernel is waited for, and the message names the right one.</remarks>
public sealed class CudaException : Exception
{
    private CudaException(string message, CudaException cause)
        : base(message, cause)
    {
        Call = cause.Call;
        Code = cause.Code;
        CodeName = cause.CodeName;
        IsFatal = cause.IsFatal;
    }

    internal CudaException(string call, int code, string codeName, string text, bool isFatal = false, CudaException? firstFatal = null)
        : base(
            $"{call} failed with {codeName} ({code}): {text}"
            + (firstFatal is null ? "" : $" The GPU was already lost to an earlier error: {firstFatal.Message}"),
            firstFatal)
    {
        Call = call;
        Code = code;
        CodeName = codeName;
        IsFatal = isFatal;
    }

    /// <summary>The call that failed, with its arguments as they stand in the source.</summary>
    public string Call { get; }

    /// <summary>The number that the library returned: a CUresult, nvrtcResult, or cublasStatus.</summary>
    public int Code { get; }

    /// <summary>The number's name, such as <c>CUDA_ERROR_OUT_OF_MEMORY</c>.</summary>
    public string CodeName { get; }

    /// <summary>Whether this process has lost the GPU: everything it held there is gone, and every later call fails. Start a new process.</summary>
    public bool IsFatal { get; }

    /// <summary>The same error, saying what it happened to.</summary>
    internal CudaException While(string subject) => new($"{subject}: {Message}", this);
}
