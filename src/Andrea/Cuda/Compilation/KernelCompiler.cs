using Andrea.Cuda.Interop;

namespace Andrea.Cuda.Compilation;

/// <summary>Turns kernel files into code for one device, through NVRTC or from the cache.</summary>
internal sealed class KernelCompiler(INvrtc nvrtc, KernelLibrary library, KernelCache cache)
{
    public INvrtc Nvrtc => nvrtc;

    public KernelLibrary Library => library;

    public KernelCache Cache => cache;

    /// <summary>Compiles one file.</summary>
    /// <param name="name">A file of the library, such as <c>adamw.cu</c>.</param>
    /// <param name="target">What to compile to.</param>
    /// <param name="definitions">Constants of this use, as <c>NAME=value</c>, besides those that all kernels get.</param>
    /// <exception cref="KernelCompilationException">The file has an error; only edited kernels should.</exception>
    public CompiledKernel Compile(string name, KernelTarget target, params IReadOnlyList<string> definitions)
    {
        KernelSource source = library.Read(name);
        IReadOnlyList<KernelSource> headers = library.Headers;
        IReadOnlyList<string> options = [.. KernelOptions.For(target), .. definitions.Select(definition => $"-D{definition}")];
        string key = KernelCache.KeyOf(source, headers, options, nvrtc.Version);
        if (cache.TryRead(key, out byte[]? image))
            return new CompiledKernel(image, FromCache: true);
        (image, _) = Build(nvrtc, source, headers, options, target.IsCubin);
        cache.Write(key, image);
        return new CompiledKernel(image, FromCache: false);
    }

    /// <summary>Compiles without looking into any cache; also gives what the compiler said.</summary>
    public static (byte[] Image, string Log) Build(
        INvrtc nvrtc, KernelSource source, IReadOnlyList<KernelSource> headers, IReadOnlyList<string> options, bool cubin)
    {
        nint program = nvrtc.CreateProgram(source.Text, source.Name, headers);
        try
        {
            bool compiled = nvrtc.CompileProgram(program, options);
            string log = nvrtc.GetLog(program);
            if (!compiled)
                throw new KernelCompilationException(source.Name, CompilerLog.WithFileAndLine(log));
            return (cubin ? nvrtc.GetCubin(program) : nvrtc.GetPtx(program), log);
        }
        finally
        {
            nvrtc.DestroyProgram(program);
        }
    }
}
