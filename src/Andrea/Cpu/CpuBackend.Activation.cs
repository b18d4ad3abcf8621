using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Cpu;

internal sealed partial class CpuBackend
{
    public void ActivationForward(ActivationKind kind, Tensor input, long length, Tensor output) => throw new NotSupportedException();

    public void ActivationBackward(ActivationKind kind, Tensor input, Tensor dOutput, long length, Tensor dInput) => throw new NotSupportedException();
}
