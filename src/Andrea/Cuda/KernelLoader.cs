using Andrea.Cuda.Compilation;

namespace Andrea.Cuda;

/// <summary>Gets kernel files ready for one GPU: compiles or finds their code, loads it, and owns what it loaded.</summary>
internal sealed class KernelLoader(CudaContext context, CudaStream stream, KernelCompiler compiler, KernelTarget target) : IDisposable
{
    private readonly List<CudaModule> _modules = [];

    /// <summary>Where kernels are launched.</summary>
    public CudaStream Stream => stream;

    public CudaContext Context => context;

    public KernelCompiler Compiler => compiler;

    public KernelTarget Target => target;

    /// <summary>Loads a file's kernels.</summary>
    /// <param name="file">Such as <c>adamw.cu</c>.</param>
    /// <param name="definitions">Constants of this use, as <c>NAME=value</c>, besides those that all kernels get.</param>
    public CudaModule Load(string file, params IReadOnlyList<string> definitions)
    {
        CudaModule module = context.Load(compiler.Compile(file, target, definitions));
        _modules.Add(module);
        return module;
    }

    public void Dispose()
    {
        foreach (CudaModule module in _modules)
            module.Dispose();
        _modules.Clear();
    }
}
