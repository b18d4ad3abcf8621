using Andrea.Numerics;
using Andrea.Tensors;

namespace Andrea.Tests.Support;

/// <summary>A device with shortcuts for tests; frees what it handed out when it is disposed.</summary>
public sealed class TestDevice(Device device) : IDisposable
{
    private readonly List<IDisposable> _owned = [];

    public Device Device { get; } = device;

    internal Backends.IBackend Backend => Device.Backend;

    /// <summary>Every backend that runs anywhere, by name; CPU once per thread count that a result could depend on.</summary>
    public static TheoryData<string> Names => ["reference", "cpu-1", "cpu-2", "cpu-3", "cpu-7"];

    public static TestDevice Open(string name) => new(name switch
    {
        "reference" => Device.Reference(),
        _ => Device.Cpu(int.Parse(name.AsSpan("cpu-".Length), System.Globalization.CultureInfo.InvariantCulture)),
    });

    /// <summary>A tensor with these values.</summary>
    public Tensor Tensor(float[] values, params ReadOnlySpan<long> shape)
    {
        Tensor tensor = Zeros(shape.Length == 0 ? [values.Length] : shape);
        tensor.CopyFrom(values);
        return tensor;
    }

    public Tensor Zeros(params ReadOnlySpan<long> shape)
    {
        var tensorShape = new TensorShape(shape);
        return new Tensor(Buffer<float>(tensorShape.Length), 0, tensorShape);
    }

    /// <summary>A tensor full of NaN: whoever reads what nobody wrote is found out.</summary>
    public Tensor Poisoned(params ReadOnlySpan<long> shape)
    {
        Tensor tensor = Zeros(shape);
        var values = new float[tensor.Length];
        Array.Fill(values, float.NaN);
        tensor.CopyFrom(values);
        return tensor;
    }

    public DeviceBuffer<T> Buffer<T>(long length)
        where T : unmanaged
    {
        DeviceBuffer<T> buffer = Backend.Allocate<T>(length);
        _owned.Add(buffer);
        return buffer;
    }

    public DeviceBuffer<int> Tokens(params int[] values)
    {
        DeviceBuffer<int> buffer = Buffer<int>(values.Length);
        buffer.CopyFrom(values);
        return buffer;
    }

    /// <summary>Normally distributed values, the same for the same seed everywhere.</summary>
    public static float[] Normal(ulong seed, long length, double scale = 1)
    {
        var random = new Philox(seed);
        var values = new float[length];
        for (long i = 0; i < length; i++)
            values[i] = (float)(random.NextNormal() * scale);
        return values;
    }

    public void Dispose()
    {
        foreach (IDisposable owned in _owned)
            owned.Dispose();
        Device.Dispose();
    }
}
