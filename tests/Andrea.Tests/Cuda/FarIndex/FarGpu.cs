using Andrea.Cuda.Compilation;
using Andrea.Cuda.Interop;
using Andrea.PtxEmulator.Driver;
using Andrea.PtxEmulator.Execution;
using Andrea.Tests.Cpu;
using Andrea.Tests.PtxEmulator;

namespace Andrea.Tests.Cuda.FarIndex;

/// <summary>
/// An emulated GPU whose tensors may have more elements than 32 bits count, of which one block of a grid reads and writes a few. The rest
/// is address space that this machine never backs with memory.
/// </summary>
internal sealed unsafe class FarGpu : IDisposable
{
    private readonly EmulatedGpuFixture _gpu = new(new EmulatedGpu { TotalBytes = 32L << 30 }, new LaunchOptions { Workers = 1 });

    /// <summary>Fails unless the last block of a large grid gives the bits of the only one of a small grid.</summary>
    /// <param name="near">The size of the small problem.</param>
    /// <param name="far">That of the large one.</param>
    /// <param name="run">Runs the last block of a problem of some size, and gives what it wrote.</param>
    public static void AssertSameBits(int near, int far, Func<FarGpu, int, float[]> run)
    {
        float[] expected, actual;
        using (var gpu = new FarGpu())
            expected = run(gpu, near);
        try
        {
            using var gpu = new FarGpu();
            actual = run(gpu, far);
        }
        catch (OutOfMemoryException error) when (!error.Message.StartsWith("The emulated device", StringComparison.Ordinal))
        {
            Assert.Skip("This machine gives out no address space without memory behind it, and has not got the memory.");
            throw;
        }
        Assert.Contains(expected, value => value != 0);
        Bits.AssertEqual($"the last block of {far}", expected, actual);
    }

    /// <summary>Memory for that many floats, which nobody has written.</summary>
    public nint Floats(long count) => _gpu.Driver.AllocateMemory(count * sizeof(float));

    /// <summary>Memory for that many floats, of which these, from an index on, have values.</summary>
    public nint Floats(long count, long first, float[] values)
    {
        nint address = Floats(count);
        fixed (float* source = values)
            _gpu.Driver.CopyHostToDevice(address + (nint)(first * sizeof(float)), source, values.Length * sizeof(float));
        return address;
    }

    public nint Floats(float[] values) => Floats(values.Length, 0, values);

    public float[] Read(nint address, long first, int count) => _gpu.Download<float>(address + (nint)(first * sizeof(float)), count);

    /// <summary>Runs the last block of a grid.</summary>
    public void RunLastBlock(string file, string kernel, LaunchShape shape, params object[] arguments)
    {
        var library = new KernelLibrary(null);
        IReadOnlyList<string> options = KernelOptions.For(new KernelTarget(80, IsCubin: false));
        (byte[] image, _) = KernelCompiler.Build(TestNvrtc.Get(), library.Read(file), library.Headers, options, cubin: false);
        nint function = _gpu.Driver.GetFunction(_gpu.Driver.LoadModule(image), kernel);
        _gpu.Driver.Options = _gpu.Driver.Options with { OnlyBlock = shape.GridX - 1 };
        _gpu.Launch(function, shape, 0, arguments);
        _gpu.Driver.SynchronizeContext();
    }

    public void Dispose() => _gpu.Dispose();
}
