using Andrea.Cuda.Handles;
using Andrea.Cuda.Interop;
using Andrea.Cuda.Memory;

namespace Andrea.Cuda.Linear;

/// <summary>Where the matrix products may come from; tests put others in their place.</summary>
internal sealed record LinearSources
{
    /// <summary>Loads a cuBLASLt no newer than this CUDA version, or throws <see cref="CudaUnavailableException"/>.</summary>
    public Func<int, ICublasLt> Cublas { get; init; } = CublasLt.Load;

    /// <summary>Makes our own, which compute any product.</summary>
    public Func<KernelLoader, CudaScratch, ILinearOps> Own { get; init; } = (loader, scratch) => new TiledLinear(loader, scratch);
}

/// <summary>Whose matrix products a backend uses, and why.</summary>
/// <param name="Ops">The products; owned.</param>
/// <param name="Reason">For people, a sentence or two: <c>andrea doctor</c> shows it.</param>
internal sealed record LinearChoice(ILinearOps Ops, string Reason) : IDisposable
{
    /// <summary>Takes cuBLASLt where it is wanted and works, else our own products.</summary>
    public static LinearChoice Make(KernelLoader loader, CudaScratch scratch, CudaOptions options, LinearSources sources)
    {
        LinearChoice Own(string why)
        {
            ILinearOps ops = sources.Own(loader, scratch);
            string precision = options.AllowTf32 ? " TF32 was allowed, but only cuBLASLt has it, so products stay in float32." : "";
            return new(ops, $"{ops.Description}: {why}{precision}");
        }

        if (!options.UseCublas)
            return Own("cuBLASLt is switched off by CudaOptions.UseCublas.");
        ICublasLt library;
        CublasHandle cublas;
        try
        {
            library = sources.Cublas(loader.Context.Driver.Version / 1000);
            cublas = new CublasHandle(loader.Context.Handle, library);
        }
        catch (Exception error) when (error is CudaUnavailableException or CudaException { IsFatal: false })
        {
            return Own(error.Message);
        }
        try
        {
            var ops = new CublasLtLinear(library, cublas, loader, scratch, options.AllowTf32, () => sources.Own(loader, scratch));
            return new(ops, $"{ops.Description}: {library.Library}");
        }
        catch
        {
            cublas.Dispose();
            throw;
        }
    }

    public void Dispose() => (Ops as IDisposable)?.Dispose();
}
