namespace Andrea.Cuda;

/// <summary>CUDA was asked for, but its driver, NVRTC or a GPU is missing. The message lists what was tried and says what to install.</summary>
public sealed class CudaUnavailableException : Exception
{
    internal CudaUnavailableException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
