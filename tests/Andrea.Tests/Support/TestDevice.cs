using Andrea.Cuda;
using Andrea.Numerics;
using Andrea.PtxEmulator.Driver;
using Andrea.PtxEmulator.Execution;
using Andrea.Tensors;
using Andrea.Tests.Cuda;

namespace Andrea.Tests.Support;

/// <summary>A device with shortcuts for tests; frees what it handed out when it is disposed.</summary>
public sealed class TestDevice(Device device, IDisposable? driver = null) : IDisposable
{
    private readonly List<IDisposable> _owned = [];

    public Device Device { get; } = device;

    internal Backends.IBackend Backend => Device.Backend;

    /// <summary>Every backend that runs anywhere, by name; CPU once per thread count that a result could depend on.</summary>
    public static TheoryData<string> Names => ["reference", "cpu-1", "cpu-2", "cpu-3", "cpu-7"];

    /// <summary>The names that stand for CUDA: on the emulator, and on this machine's GPU, without which the test skips.</summary>
    public const string Emulator = "emulator", Gpu = "gpu";

    /// <summary>Opens one of <see cref="Names"/>, <see cref="Emulator"/>, or <see cref="Gpu"/>.</summary>
    public static TestDevice Open(string name) => name switch
    {
        "reference" => new(Device.Reference()),
        Emulator => OpenEmulator(),
        Gpu => new(CudaDevices.Open(CudaDevices.GpuDriver())),
        _ => new(Device.Cpu(int.Parse(name.AsSpan("cpu-".Length), System.Globalization.CultureInfo.InvariantCulture))),
    };

    /// <summary>The CUDA backend on the emulator.</summary>
    internal static TestDevice OpenEmulator(LaunchOptions? options = null, CudaOptions? cuda = null)
    {
        var driver = new EmulatedCudaDriver(options: options);
        return new TestDevice(CudaDevices.Open(driver, cuda), driver);
    }

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

    internal DeviceBuffer<T> Buffer<T>(long length)
        where T : unmanaged
    {
        DeviceBuffer<T> buffer = Backend.Allocate<T>(length);
        _owned.Add(buffer);
        return buffer;
    }

    internal DeviceBuffer<int> Tokens(params int[] values)
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
        CudaContext? context = (Device.Backend as CudaBackend)?.Context;
        Device.Dispose();
        if (context is not null)
            AssertNoLeaks(context);
        driver?.Dispose();
    }

    /// <summary>Whoever used the device has given back all that it took, and did not leave it to the finalizer.</summary>
    private static void AssertNoLeaks(CudaContext context)
    {
        var allocations = context.Handle.Allocations;
        Assert.Equal((0, 0, 0), (allocations.Live, allocations.FailedReleases, allocations.Forgotten));
    }
}
