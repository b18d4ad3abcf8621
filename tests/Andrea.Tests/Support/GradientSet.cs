using Andrea.Tensors;

namespace Andrea.Tests.Support;

/// <summary>Gradients in plain arrays, with what a test wants to know of them computed independently of the library.</summary>
/// <remarks>A GPU works on a copy: <see cref="On"/> makes it, <see cref="Send"/> and <see cref="Fetch"/> bring values there and back.</remarks>
public sealed class GradientSet : IDisposable
{
    private readonly List<(float[] Values, DeviceBuffer<float> Copy)> _copies = [];

    public GradientSet(params float[][] tensors)
    {
        Values = [.. tensors.Select(tensor => (float[])tensor.Clone())];
        Tensors = new ExternalTensors();
        for (int i = 0; i < Values.Length; i++)
            Tensors.Add($"t{i}", Values[i]);
    }

    public float[][] Values { get; }

    public ExternalTensors Tensors { get; }

    /// <summary>The joint norm, by plain summation in double.</summary>
    public double Norm => Math.Sqrt(Values.Sum(tensor => tensor.Sum(value => (double)value * value)));

    public uint[] Bits => Values.SelectMany(tensor => tensor).Select(BitConverter.SingleToUInt32Bits).ToArray();

    /// <summary>The tensors where a device can work on them: the arrays themselves, or a copy in the memory of a GPU.</summary>
    public ExternalTensors On(TestDevice device)
    {
        if (device.Backend.Name != "cuda")
            return Tensors;
        var set = new ExternalTensors();
        for (int i = 0; i < Values.Length; i++)
        {
            DeviceBuffer<float> copy = device.Buffer<float>(Values[i].Length);
            _copies.Add((Values[i], copy));
            set.Add($"t{i}", copy.Address, copy.Length);
        }
        Send();
        return set;
    }

    /// <summary>What stands in the arrays is now the device's, too.</summary>
    public void Send()
    {
        foreach ((float[] values, DeviceBuffer<float> copy) in _copies)
            copy.CopyFrom(values);
    }

    /// <summary>What the device made of it now stands in the arrays.</summary>
    public void Fetch()
    {
        foreach ((float[] values, DeviceBuffer<float> copy) in _copies)
            copy.CopyTo(values);
    }

    public void Dispose() => Tensors.Dispose();
}
