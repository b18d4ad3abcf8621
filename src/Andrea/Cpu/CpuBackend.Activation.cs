using Andrea.Cpu.Activation;
using Andrea.Tensors;

namespace Andrea.Cpu;

internal sealed partial class CpuBackend
{
    public void ActivationForward(ActivationKind kind, Tensor input, long length, Tensor output)
    {
        if (kind == ActivationKind.Gelu)
            Activate<GeluForward>(input, input, length, output);
        else
            Activate<ReluForward>(input, input, length, output);
    }

    public void ActivationBackward(ActivationKind kind, Tensor input, Tensor dOutput, long length, Tensor dInput)
    {
        if (kind == ActivationKind.Gelu)
            Activate<GeluBackward>(input, dOutput, length, dInput);
        else
            Activate<ReluBackward>(input, dOutput, length, dInput);
    }

    private unsafe void Activate<TFunction>(Tensor input, Tensor dOutput, long length, Tensor target)
        where TFunction : struct, IActivationFunction
    {
        var work = new ActivationWork<TFunction>
        {
            Input = (float*)input.Address,
            DOutput = (float*)dOutput.Address,
            Target = (float*)target.Address,
            Length = length,
        };
        const int blockLength = ActivationWork<TFunction>.BlockLength;
        _team.Run(ref work, (length + blockLength - 1) / blockLength);
    }
}
