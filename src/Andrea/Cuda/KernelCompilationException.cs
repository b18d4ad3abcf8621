namespace Andrea.Cuda;

/// <summary>NVRTC refused a kernel. The built-in ones compile; edited ones, from ANDREA_KERNEL_DIR, may not.</summary>
public sealed class KernelCompilationException : Exception
{
    internal KernelCompilationException(string kernelFile, string log)
        : base(
            $"The kernel file {kernelFile} does not compile. Correct it, or unset ANDREA_KERNEL_DIR if it names a folder with edited kernels."
            + $"\n{log}")
    {
        KernelFile = kernelFile;
        Log = log;
    }

    /// <summary>Name of the file that was compiled, such as <c>adamw.cu</c>.</summary>
    public string KernelFile { get; }

    /// <summary>The compiler's messages, each beginning with the file and line it is about, as in <c>adamw.cu:12: error</c>.</summary>
    public string Log { get; }
}
