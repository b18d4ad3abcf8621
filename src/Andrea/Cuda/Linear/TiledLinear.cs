using Andrea.Cuda.Interop;
using Andrea.Cuda.Memory;
using Andrea.Tensors;

namespace Andrea.Cuda.Linear;

/// <summary>Our own matrix products: <c>matmul.cu</c>, and <c>matmul_row.cu</c> for a single row. They need nothing but the driver and NVRTC.</summary>
internal sealed class TiledLinear : ILinearOps
{
    public const string TileFile = "matmul.cu", RowFile = "matmul_row.cu";
    public const string ForwardName = "k_matmul_forward", ForwardSmallName = "k_matmul_forward_small";
    public const string InputName = "k_matmul_input", InputSmallName = "k_matmul_input_small";
    public const string WeightName = "k_matmul_weight", WeightSmallName = "k_matmul_weight_small";
    public const string JoinName = "k_matmul_join", RowName = "k_matmul_row";

    private const int JoinThreads = 256, JoinElements = 4 * JoinThreads;

    private readonly CudaStream _stream;
    private readonly CudaScratch _scratch;
    private readonly Func<LinearOperation, int, int, int, TilePlan> _choose;
    private readonly CudaKernel _forward, _forwardSmall, _input, _inputSmall, _weight, _weightSmall, _join, _row;
    private readonly BiasGradient _biasGradient;

    /// <summary>Gets the kernels ready.</summary>
    /// <param name="loader">Where kernels come from.</param>
    /// <param name="scratch">Memory for partial sums.</param>
    /// <param name="choose">Plans products; null for <see cref="TilePlan.Choose"/>.</param>
    public TiledLinear(KernelLoader loader, CudaScratch scratch, Func<LinearOperation, int, int, int, TilePlan>? choose = null)
    {
        _stream = loader.Stream;
        _scratch = scratch;
        _choose = choose ?? TilePlan.Choose;
        CudaModule tiles = loader.Load(TileFile);
        _forward = tiles.GetKernel(ForwardName);
        _forwardSmall = tiles.GetKernel(ForwardSmallName);
        _input = tiles.GetKernel(InputName);
        _inputSmall = tiles.GetKernel(InputSmallName);
        _weight = tiles.GetKernel(WeightName);
        _weightSmall = tiles.GetKernel(WeightSmallName);
        _join = tiles.GetKernel(JoinName);
        _row = loader.Load(RowFile).GetKernel(RowName);
        _biasGradient = new BiasGradient(loader, scratch);
    }

    public string Description => "Andrea's own kernels, float32";

    public void Forward(Tensor input, Tensor weight, Tensor bias, Tensor residual, int rows, int inputSize, int outputSize, Tensor output)
    {
        if (rows == 0 || outputSize == 0)
            return;
        TilePlan plan = _choose(LinearOperation.Forward, rows, outputSize, inputSize);
        var arguments = default(KernelArguments);
        arguments.Add(input.Address);
        arguments.Add(weight.Address);
        arguments.Add(bias.Address);
        arguments.Add(residual.Address);
        arguments.Add(output.Address);
        if (plan.Tile != TileSize.Row)
            arguments.Add(rows);
        arguments.Add(inputSize);
        arguments.Add(outputSize);
        CudaKernel kernel = plan.Tile switch { TileSize.Row => _row, TileSize.Small => _forwardSmall, _ => _forward };
        kernel.Launch(plan.ShapeFor(rows, outputSize), _stream, ref arguments);
    }

    public void BackwardInput(Tensor dOutput, Tensor weight, int rows, int inputSize, int outputSize, Tensor dInput)
    {
        if (rows == 0 || inputSize == 0)
            return;
        TilePlan plan = _choose(LinearOperation.BackwardInput, rows, inputSize, outputSize);
        var arguments = default(KernelArguments);
        arguments.Add(dOutput.Address);
        arguments.Add(weight.Address);
        arguments.Add(dInput.Address);
        arguments.Add(rows);
        arguments.Add(inputSize);
        arguments.Add(outputSize);
        (plan.Tile == TileSize.Small ? _inputSmall : _input).Launch(plan.ShapeFor(rows, inputSize), _stream, ref arguments);
    }

    public void BackwardWeight(Tensor dOutput, Tensor input, int rows, int inputSize, int outputSize, Tensor dWeight, Tensor dBias)
    {
        if (rows == 0 || outputSize == 0)
            return;
        if (inputSize > 0)
            AddWeight(dOutput, input, rows, inputSize, outputSize, dWeight);
        if (!dBias.IsNone)
            _biasGradient.Add(dOutput, rows, outputSize, dBias);
    }

    private void AddWeight(Tensor dOutput, Tensor input, int rows, int inputSize, int outputSize, Tensor dWeight)
    {
        TilePlan plan = _choose(LinearOperation.BackwardWeight, outputSize, inputSize, rows);
        bool isSplit = plan.Splits > 1;
        long length = checked((long)outputSize * inputSize);
        nint partials = isSplit ? _scratch.Take(checked(length * plan.Splits * sizeof(float))) : 0;
        var arguments = default(KernelArguments);
        arguments.Add(dOutput.Address);
        arguments.Add(input.Address);
        arguments.Add(isSplit ? 0 : dWeight.Address);
        arguments.Add(isSplit ? partials : dWeight.Address);
        arguments.Add(rows);
        arguments.Add(inputSize);
        arguments.Add(outputSize);
        arguments.Add(plan.SplitDepth);
        (plan.Tile == TileSize.Small ? _weightSmall : _weight).Launch(plan.ShapeFor(outputSize, inputSize), _stream, ref arguments);
        if (!isSplit)
            return;

        arguments = default;
        arguments.Add(partials);
        arguments.Add(plan.Splits);
        arguments.Add(length);
        arguments.Add(dWeight.Address);
        _join.Launch(LaunchShape.Linear(checked((int)((length + JoinElements - 1) / JoinElements)), JoinThreads), _stream, ref arguments);
    }
}
