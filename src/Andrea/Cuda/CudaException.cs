namespace Andrea.Cuda;

/// <summary>The CUDA driver, or a library beside it, refused a call.</summary>
public sealed class CudaException : Exception
{
    internal CudaException(string call, int code, string codeName, string text)
        : base($"{call} failed with {codeName} ({code}): {text}")
    {
        Call = call;
        Code = code;
        CodeName = codeName;
    }

    /// <summary>The call that failed, as it stands in the source.</summary>
    public string Call { get; }

    /// <summary>The number that the library returned: a CUresult, nvrtcResult, or cublasStatus.</summary>
    public int Code { get; }

    /// <summary>The number's name, such as <c>CUDA_ERROR_OUT_OF_MEMORY</c>.</summary>
    public string CodeName { get; }
}
