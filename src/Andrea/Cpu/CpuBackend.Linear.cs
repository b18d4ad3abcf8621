using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using Andrea.Cpu.Activation;
using Andrea.Cpu.MatMul;
using Andrea.Tensors;

namespace Andrea.Cpu;

internal sealed partial class CpuBackend
{
    private readonly GrowOnlyMemory _matMulScratch = new();

    public unsafe void LinearForward(
        Tensor input, Tensor weight, Tensor bias, Tensor residual, int rows, int inputSize, int outputSize, Tensor output) =>
        Multiply(new Product
        {
            Left = Operand.LaneByDepth(input.Address, rows, inputSize),
            Right = Operand.LaneByDepth(weight.Address, outputSize, inputSize),
            Depth = inputSize,
            Initial = (float*)residual.Address,
            Bias = (float*)bias.Address,
            Output = (float*)output.Address,
        });

    public unsafe void LinearBackwardInput(Tensor dOutput, Tensor weight, int rows, int inputSize, int outputSize, Tensor dInput) =>
        Multiply(new Product
        {
            Left = Operand.LaneByDepth(dOutput.Address, rows, outputSize),
            Right = Operand.DepthByLane(weight.Address, inputSize),
            Depth = outputSize,
            Output = (float*)dInput.Address,
        });

    public unsafe void LinearBackwardWeight(
        Tensor dOutput, Tensor input, int rows, int inputSize, int outputSize, Tensor dWeight, Tensor dBias)
    {
        Multiply(new Product
        {
            Left = Operand.DepthByLane(dOutput.Address, outputSize),
            Right = Operand.DepthByLane(input.Address, inputSize),
            Depth = rows,
            Initial = (float*)dWeight.Address,
            Output = (float*)dWeight.Address,
        });
        if (!dBias.IsNone)
            ColumnSums.Add((float*)dOutput.Address, rows, outputSize, (float*)dBias.Address, _team);
    }

    public unsafe void LinearActivationForward(
        ActivationKind kind, Tensor input, Tensor weight, Tensor bias, int rows, int inputSize, int outputSize, Tensor hidden, Tensor activated)
    {
        var output = (float*)hidden.Address;
        var target = (float*)activated.Address;
        Multiply(new Product
        {
            Left = Operand.LaneByDepth(input.Address, rows, inputSize),
            Right = Operand.LaneByDepth(weight.Address, outputSize, inputSize),
            Depth = inputSize,
            Bias = (float*)bias.Address,
            Output = output,
            Epilogue = kind == ActivationKind.Gelu
                ? new Epilogue(&ActivationWork<GeluForward>.ApplyRows, output, output, target)
                : new Epilogue(&ActivationWork<ReluForward>.ApplyRows, output, output, target),
        });
    }

    public unsafe void LinearActivationBackwardInput(
        ActivationKind kind, Tensor dOutput, Tensor weight, Tensor hidden, int rows, int inputSize, int outputSize, Tensor dHidden)
    {
        var input = (float*)hidden.Address;
        var output = (float*)dHidden.Address;
        Multiply(new Product
        {
            Left = Operand.LaneByDepth(dOutput.Address, rows, outputSize),
            Right = Operand.DepthByLane(weight.Address, inputSize),
            Depth = outputSize,
            Output = output,
            Epilogue = kind == ActivationKind.Gelu
                ? new Epilogue(&ActivationWork<GeluBackward>.ApplyRows, input, output, output)
                : new Epilogue(&ActivationWork<ReluBackward>.ApplyRows, input, output, output),
        });
    }

    private void Multiply(in Product product)
    {
        if (RowProduct.Handles(product))
            RowProduct.Run(product, _team);
        else if (Vector512.IsHardwareAccelerated)
            MatrixProduct<Kernel512>.Run(product, _team, _matMulScratch);
        else if (Fma.IsSupported)
            MatrixProduct<Kernel256>.Run(product, _team, _matMulScratch);
        else if (AdvSimd.IsSupported)
            MatrixProduct<Kernel128>.Run(product, _team, _matMulScratch);
        else
            MatrixProduct<KernelScalar>.Run(product, _team, _matMulScratch);
    }
}
