using Andrea.Tensors;
using Andrea.Tests.Cpu;

namespace Andrea.Tests.Support;

/// <summary>Where a case's tensors come from: their alignment and their surroundings.</summary>
internal interface ICaseTensors
{
    /// <summary>A tensor that operations only read.</summary>
    Tensor Input(float[] values);

    /// <summary>A tensor that operations change.</summary>
    Tensor InOut(float[] values);

    /// <summary>A tensor full of NaN, to be written.</summary>
    Tensor Output(long length);
}

/// <summary>Aligned tensors.</summary>
internal sealed class DeviceTensors(TestDevice device) : ICaseTensors
{
    public Tensor Input(float[] values) => device.Tensor(values);

    public Tensor InOut(float[] values) => device.Tensor(values);

    public Tensor Output(long length) => device.Poisoned(length);
}

/// <summary>Tensors between guard zones at odd addresses.</summary>
internal sealed class GuardedTensors(GuardedDevice device) : ICaseTensors
{
    public Tensor Input(float[] values) => device.Input(values);

    public Tensor InOut(float[] values) => device.InOut(values);

    public Tensor Output(long length) => device.Output(length);
}
