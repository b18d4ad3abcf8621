using Andrea.Cuda.Interop;
using Andrea.Cuda.Memory;
using Andrea.Tensors;

namespace Andrea.Cuda.Norm;

/// <summary>The norms on a GPU: <c>norm.cu</c>. One launch forward, two backward.</summary>
internal sealed class NormKernels
{
    public const string File = "norm.cu";
    public const string ForwardName = "k_norm_fwd", ForwardWideName = "k_norm_fwd_wide";
    public const string BackwardName = "k_norm_bwd", BackwardWideName = "k_norm_bwd_wide", JoinName = "k_norm_bwd_join";

    /// <summary>Up to that many channels a warp takes a row, above it a block does.</summary>
    public const int MaxWarpChannels = 768;

    /// <summary>Most shares that the rows' contributions to the parameters' gradients are added in.</summary>
    public const int MaxShares = 512;

    private const int BlockThreads = 256, BlockWarps = BlockThreads / 32;
    private const int JoinThreads = 1024, JoinChannels = 32;

    private readonly CudaStream _stream;
    private readonly CudaScratch _scratch;
    private readonly CudaKernel _forward, _forwardWide, _backward, _backwardWide, _join;

    public NormKernels(KernelLoader loader, CudaScratch scratch)
    {
        _stream = loader.Stream;
        _scratch = scratch;
        CudaModule module = loader.Load(File);
        _forward = module.GetKernel(ForwardName);
        _forwardWide = module.GetKernel(ForwardWideName);
        _backward = module.GetKernel(BackwardName);
        _backwardWide = module.GetKernel(BackwardWideName);
        _join = module.GetKernel(JoinName);
    }

    /// <summary>Rows of one share: whole rounds of a block's warps, as few as <see cref="MaxShares"/> allows. Part of the result's bits, so it
    /// depends on the number of rows alone.</summary>
    public static int ShareRows(int rows)
    {
        long rounds = Blocks(rows, (long)MaxShares * BlockWarps);
        return checked((int)Math.Max(1, rounds) * BlockWarps);
    }

    public void Forward(
        NormKind kind, Tensor input, Tensor weight, Tensor bias, float epsilon, int rows, int channels, Tensor output, Tensor mean, Tensor inverseScale)
    {
        if (rows == 0 || channels == 0)
            return;
        var arguments = default(KernelArguments);
        arguments.Add(input.Address);
        arguments.Add(weight.Address);
        arguments.Add(bias.Address);
        arguments.Add(epsilon);
        arguments.Add(rows);
        arguments.Add(channels);
        arguments.Add(output.Address);
        arguments.Add(Mean(kind, mean));
        arguments.Add(inverseScale.Address);
        if (channels <= MaxWarpChannels)
            _forward.Launch(LaunchShape.Linear(Blocks(rows, BlockWarps), BlockThreads), _stream, ref arguments);
        else
            _forwardWide.Launch(LaunchShape.Linear(rows, BlockThreads), _stream, ref arguments);
    }

    public void Backward(
        NormKind kind, Tensor dOutput, Tensor input, Tensor weight, Tensor mean, Tensor inverseScale, int rows, int channels,
        Tensor dInput, Tensor dWeight, Tensor dBias)
    {
        if (rows == 0 || channels == 0)
            return;
        int shareRows = ShareRows(rows), shares = Blocks(rows, shareRows);
        // A share holds both parameters' sums, each padded to whole quads.
        nint sums = _scratch.Take(checked(shares * 2L * Blocks(channels, 4) * 4 * sizeof(float)));
        var arguments = default(KernelArguments);
        arguments.Add(dOutput.Address);
        arguments.Add(input.Address);
        arguments.Add(weight.Address);
        arguments.Add(Mean(kind, mean));
        arguments.Add(inverseScale.Address);
        arguments.Add(rows);
        arguments.Add(channels);
        arguments.Add(shareRows);
        arguments.Add(dInput.Address);
        arguments.Add(sums);
        CudaKernel kernel = channels <= MaxWarpChannels ? _backward : _backwardWide;
        kernel.Launch(LaunchShape.Linear(shares, BlockThreads), _stream, ref arguments);
        Join(sums, shares, channels, dWeight, dBias);
    }

    private void Join(nint sums, int shares, int channels, Tensor dWeight, Tensor dBias)
    {
        var arguments = default(KernelArguments);
        arguments.Add(sums);
        arguments.Add(shares);
        arguments.Add(channels);
        arguments.Add(dWeight.Address);
        arguments.Add(dBias.Address);
        LaunchShape shape = LaunchShape.Linear(Blocks(channels, JoinChannels), JoinThreads) with { GridY = dBias.IsNone ? 1u : 2u };
        _join.Launch(shape, _stream, ref arguments);
    }

    /// <summary>How the kernels tell the norms apart: RMSNorm has no mean.</summary>
    private static nint Mean(NormKind kind, Tensor mean) => kind == NormKind.LayerNorm ? mean.Address : 0;

    private static int Blocks(long length, long blockLength) => checked((int)((length + blockLength - 1) / blockLength));
}
