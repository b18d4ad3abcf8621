using Andrea.Cuda.Interop;
using Andrea.Cuda.Memory;
using Andrea.Tensors;

namespace Andrea.Cuda.Linear;

/// <summary>The gradient of a bias: <c>bias_grad.cu</c>, compiled when first needed.</summary>
internal sealed class BiasGradient(KernelLoader loader, CudaScratch scratch)
{
    public const string File = "bias_grad.cu";
    public const string PartialName = "k_bias_grad_partial", FinalName = "k_bias_grad_final";

    // A block of the first kernel sums a share of the rows over a strip of the columns.
    private const int ShareRows = 128, StripColumns = 128, FinalColumns = 32, BlockThreads = 256;

    private (CudaKernel Partial, CudaKernel Final)? _kernels;

    /// <summary>dBias[o] += sum over rows of dOutput[row, o]. Two launches.</summary>
    public void Add(Tensor dOutput, int rows, int columns, Tensor dBias)
    {
        if (rows == 0 || columns == 0)
            return;
        (CudaKernel partial, CudaKernel final) = _kernels ??= Load();
        CudaStream stream = loader.Stream;
        int shares = DivideUp(rows, ShareRows), strips = DivideUp(columns, StripColumns);
        nint partials = scratch.Take(checked((long)shares * columns * sizeof(float)));
        var arguments = default(KernelArguments);
        arguments.Add(dOutput.Address);
        arguments.Add(rows);
        arguments.Add(columns);
        arguments.Add(ShareRows);
        arguments.Add(partials);
        partial.Launch(LaunchShape.Linear(checked(shares * strips), BlockThreads), stream, ref arguments);
        arguments = default;
        arguments.Add(partials);
        arguments.Add(shares);
        arguments.Add(columns);
        arguments.Add(dBias.Address);
        final.Launch(LaunchShape.Linear(DivideUp(columns, FinalColumns), BlockThreads), stream, ref arguments);
    }

    private (CudaKernel Partial, CudaKernel Final) Load()
    {
        CudaModule module = loader.Load(File);
        return (module.GetKernel(PartialName), module.GetKernel(FinalName));
    }

    private static int DivideUp(int value, int divisor) => (int)(((long)value + divisor - 1) / divisor);
}
