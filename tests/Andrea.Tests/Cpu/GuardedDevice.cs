using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cpu;

/// <summary>A device whose tensors lie between guard zones of NaN, at odd addresses: reading outside one turns results into NaN,
/// writing outside is found by <see cref="AssertGuards"/>.</summary>
public sealed class GuardedDevice(string name) : IDisposable
{
    // Not a multiple of any vector, so that tensors begin off every alignment.
    private const int Guard = 37;
    private const uint GuardBits = 0x7FC0BEEF;

    private readonly TestDevice _device = TestDevice.Open(name);
    private readonly List<Tensor> _zones = [];
    private readonly List<(Tensor Tensor, float[] Values)> _inputs = [];

    internal Andrea.Backends.IBackend Backend => _device.Backend;

    public TestDevice Device => _device;

    /// <summary>A tensor that operations must leave as it is.</summary>
    public Tensor Input(float[] values)
    {
        Tensor tensor = InOut(values);
        _inputs.Add((tensor, (float[])values.Clone()));
        return tensor;
    }

    /// <summary>A tensor that operations may change.</summary>
    public Tensor InOut(float[] values)
    {
        Tensor tensor = Output(values.Length);
        if (values.Length > 0)
            tensor.CopyFrom(values);
        return tensor;
    }

    /// <summary>A tensor full of NaN, to be written.</summary>
    public Tensor Output(long length) => Output(new TensorShape(length));

    /// <summary>The same in any shape.</summary>
    public Tensor Output(TensorShape tensorShape)
    {
        long length = tensorShape.Length;
        var noise = new float[length + 2 * Guard];
        Array.Fill(noise, BitConverter.UInt32BitsToSingle(GuardBits));
        DeviceBuffer<float> buffer = _device.Buffer<float>(length + 2 * Guard);
        buffer.CopyFrom(noise);
        var shape = new TensorShape(Guard);
        _zones.Add(new Tensor(buffer, 0, shape));
        _zones.Add(new Tensor(buffer, Guard + length, shape));
        return new Tensor(buffer, Guard, tensorShape);
    }

    public DeviceBuffer<int> Tokens(params int[] values) => _device.Tokens(values);

    /// <summary>Fails when something was written outside a tensor, or into an input, since the last call.</summary>
    public void AssertGuards()
    {
        foreach (Tensor zone in _zones)
            foreach (float value in zone.ToArray())
                if (BitConverter.SingleToUInt32Bits(value) != GuardBits)
                    Assert.Fail($"{value} was written outside a tensor.");
        foreach ((Tensor tensor, float[] values) in _inputs)
            Bits.AssertEqual("an input", values, tensor.ToArray());
        _zones.Clear();
        _inputs.Clear();
    }

    public void Dispose() => _device.Dispose();
}
