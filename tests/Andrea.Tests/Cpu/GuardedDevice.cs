using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cpu;

/// <summary>A device whose tensors lie between guard zones of NaN, at odd addresses: reading outside one turns results into NaN,
/// writing outside is found by <see cref="AssertGuards"/>.</summary>
/// <param name="device">The device; disposed with this object.</param>
/// <param name="guard">Floats before and behind each tensor.</param>
public sealed class GuardedDevice(TestDevice device, int guard = GuardedDevice.OddGuard) : IDisposable
{
    /// <summary>Length of a guard zone. Not a multiple of any vector, so that tensors begin off every alignment.</summary>
    public const int OddGuard = 37;

    /// <summary>Length of a guard zone behind which tensors begin at multiples of 256 bytes, as they do in a model.</summary>
    public const int AlignedGuard = 64;

    private const uint GuardBits = 0x7FC0BEEF;

    private readonly List<Tensor> _zones = [];
    private readonly List<(Tensor Tensor, float[] Values)> _inputs = [];
    private int _unaligned = -1;

    /// <summary>Opens a device by its name.</summary>
    public GuardedDevice(string name)
        : this(TestDevice.Open(name))
    {
    }

    internal Andrea.Backends.IBackend Backend => device.Backend;

    public TestDevice Device => device;

    /// <summary>How many tensors were made since the device was opened or <see cref="Unalign"/> was called.</summary>
    public int TensorCount { get; private set; }

    /// <summary>Has the tensor of this number, counted from now on, begin off every alignment, whatever the others do.</summary>
    public void Unalign(int number) => (_unaligned, TensorCount) = (number, 0);

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
        int before = TensorCount++ == _unaligned ? OddGuard : guard;
        var noise = new float[length + 2 * before];
        Array.Fill(noise, BitConverter.UInt32BitsToSingle(GuardBits));
        DeviceBuffer<float> buffer = device.Buffer<float>(length + 2 * before);
        buffer.CopyFrom(noise);
        var shape = new TensorShape(before);
        _zones.Add(new Tensor(buffer, 0, shape));
        _zones.Add(new Tensor(buffer, before + length, shape));
        return new Tensor(buffer, before, tensorShape);
    }

    internal DeviceBuffer<int> Tokens(params int[] values) => device.Tokens(values);

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

    public void Dispose() => device.Dispose();
}
