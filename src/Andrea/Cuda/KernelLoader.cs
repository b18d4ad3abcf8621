using Andrea.Cuda.Compilation;

namespace Andrea.Cuda;

/// <summary>Gets kernel files ready for one GPU: compiles or finds their code, loads it, and owns what it loaded.</summary>
internal sealed class KernelLoader(CudaContext context, CudaStream stream, KernelCompiler compiler, KernelTarget target) : IDisposable
{
    private readonly List<CudaModule> _modules = [];
    private readonly Dictionary<string, Task<CompiledKernel>> _underWay = [];

    /// <summary>Where kernels are launched.</summary>
    public CudaStream Stream => stream;

    public CudaContext Context => context;

    public KernelCompiler Compiler => compiler;

    public KernelTarget Target => target;

    /// <summary>Begins to compile a file that will be needed soon, on another thread; <see cref="Load"/> takes the result, or the error.</summary>
    public void Prefetch(string file, params IReadOnlyList<string> definitions)
    {
        string key = KeyOf(file, definitions);
        if (!_underWay.ContainsKey(key))
            _underWay.Add(key, Task.Run(() => compiler.Compile(file, target, definitions)));
    }

    /// <summary>Loads a file's kernels.</summary>
    /// <param name="file">Such as <c>adamw.cu</c>.</param>
    /// <param name="definitions">Constants of this use, as <c>NAME=value</c>, besides those that all kernels get.</param>
    public CudaModule Load(string file, params IReadOnlyList<string> definitions)
    {
        CompiledKernel kernel = _underWay.Remove(KeyOf(file, definitions), out Task<CompiledKernel>? compilation)
            ? compilation.GetAwaiter().GetResult()
            : compiler.Compile(file, target, definitions);
        CudaModule module = context.Load(kernel);
        _modules.Add(module);
        return module;
    }

    public void Dispose()
    {
        foreach (CudaModule module in _modules)
            module.Dispose();
        _modules.Clear();
    }

    private static string KeyOf(string file, IReadOnlyList<string> definitions) => string.Join('\n', [file, .. definitions]);
}
