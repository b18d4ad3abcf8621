using System.Text;
using Andrea.Cuda.Interop;
using Andrea.PtxEmulator.Driver;
using Andrea.PtxEmulator.Execution;

namespace Andrea.Tests.PtxEmulator;

/// <summary>An emulated driver with a current context, and shortcuts for tests.</summary>
internal sealed unsafe class EmulatedGpuFixture : IDisposable
{
    public EmulatedGpuFixture(EmulatedGpu? gpu = null, LaunchOptions? options = null)
    {
        Driver = new EmulatedCudaDriver(gpu, options);
        Driver.Initialize();
        Driver.SetCurrentContext(Driver.RetainPrimaryContext(0));
    }

    public EmulatedCudaDriver Driver { get; }

    /// <summary>A hand-written PTX file of the tests, or PTX text.</summary>
    public static byte[] Image(string ptx)
    {
        string text = ptx.EndsWith(".ptx", StringComparison.Ordinal)
            ? File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "PtxEmulator", "Kernels", ptx)) : ptx;
        return Encoding.UTF8.GetBytes(text + "\0");
    }

    public nint Function(string ptx, string name) => Driver.GetFunction(Driver.LoadModule(Image(ptx)), name);

    /// <summary>Device memory with these values.</summary>
    public nint Upload<T>(params T[] values)
        where T : unmanaged
    {
        nint address = Driver.AllocateMemory(values.Length * sizeof(T));
        fixed (T* source = values)
            Driver.CopyHostToDevice(address, source, values.Length * sizeof(T));
        Driver.SynchronizeStream(0);
        return address;
    }

    public T[] Download<T>(nint address, int count)
        where T : unmanaged
    {
        var values = new T[count];
        fixed (T* target = values)
            Driver.CopyDeviceToHost(target, address, count * sizeof(T));
        return values;
    }

    /// <summary>Launches with arguments of 4 or 8 bytes each.</summary>
    public void Launch(nint function, LaunchShape shape, nint stream, params object[] arguments)
    {
        long* values = stackalloc long[arguments.Length];
        void** pointers = stackalloc void*[arguments.Length];
        for (int i = 0; i < arguments.Length; i++)
        {
            values[i] = arguments[i] switch
            {
                nint address => address,
                long number => number,
                int number => number,
                float number => BitConverter.SingleToInt32Bits(number),
                _ => throw new ArgumentException($"An argument of type {arguments[i].GetType()}."),
            };
            pointers[i] = values + i;
        }
        Driver.LaunchKernel(function, shape, stream, pointers);
    }

    public void Dispose() => Driver.Dispose();
}
