using System.Collections.Concurrent;
using Andrea.Cuda;
using Andrea.Cuda.Compilation;
using Andrea.Cuda.Interop;
using Andrea.PtxEmulator;
using Andrea.PtxEmulator.Execution;
using Andrea.Tests.Cuda;

namespace Andrea.Tests.PtxEmulator;

/// <summary>Kernels as the real NVRTC compiles them, for several generations of GPUs. Skipped, visibly, where there is no NVRTC.</summary>
public unsafe class CompiledKernelTests
{
    // A compilation takes longer than what is done with it.
    private static readonly ConcurrentDictionary<(string Name, int Architecture), Lazy<string>> Compiled = new();

    public static TheoryData<int> Architectures => [70, 80, 86, 90];

    [Theory, MemberData(nameof(Architectures))]
    public void Norm_OfManySizes_IsTheExactOne(int architecture)
    {
        using var gpu = new EmulatedGpuFixture(options: new LaunchOptions { Seed = (ulong)architecture, DetectRaces = architecture == 80 });
        nint kernel = gpu.Function(Compile("typical.cu", architecture), "k_norm");
        foreach (int count in (int[])[1, 3, 4, 5, 255, 1024, 1027, 10_001])
        {
            float[] values = [.. Enumerable.Range(0, count).Select(i => (float)(i % 17 - 8))];
            nint sums = gpu.Driver.AllocateMemory(8 * 5);
            gpu.Launch(kernel, LaunchShape.Linear(4, 256), 0, gpu.Upload(values), sums, gpu.Upload(0), (long)count);
            Assert.Equal(Math.Sqrt(values.Sum(v => (double)v * v)), gpu.Download<double>(sums, 1)[0]);
        }
    }

    [Theory, MemberData(nameof(Architectures))]
    public void Matmul_OddSizes_IsTheFusedSumInOrder(int architecture)
    {
        (int rows, int columns, int depth) = (45, 37, 70);
        using var gpu = new EmulatedGpuFixture(options: new LaunchOptions { Seed = 3, DetectRaces = true });
        float[] a = [.. Enumerable.Range(0, rows * depth).Select(i => (i * 7919 % 1000 - 500) / 300f)];
        float[] b = [.. Enumerable.Range(0, columns * depth).Select(i => (i * 6089 % 1000 - 500) / 300f)];
        nint c = gpu.Driver.AllocateMemory(4 * rows * columns);
        nint kernel = gpu.Function(Compile("typical.cu", architecture), "k_matmul");
        gpu.Launch(kernel, new LaunchShape(2, 2, 1, 32, 8, 1, 0), 0, gpu.Upload(a), gpu.Upload(b), c, rows, columns, depth);
        float[] result = gpu.Download<float>(c, rows * columns);
        for (int i = 0; i < result.Length; i++)
        {
            float sum = 0;
            for (int k = 0; k < depth; k++)
                sum = MathF.FusedMultiplyAdd(a[i / columns * depth + k], b[i % columns * depth + k], sum);
            Assert.Equal(sum, result[i]);
        }
    }

    [Theory, MemberData(nameof(Architectures))]
    public void Row_SoftmaxNormAndActivation_AreCloseToDouble(int architecture)
    {
        (int rows, int width) = (7, 77);
        using var gpu = new EmulatedGpuFixture();
        float[] x = [.. Enumerable.Range(0, rows * width).Select(i => (i * 7919 % 1000 - 500) / 100f)];
        nint output = gpu.Driver.AllocateMemory(4 * x.Length);
        gpu.Launch(gpu.Function(Compile("typical.cu", architecture), "k_row"), new LaunchShape(2, 1, 1, 32, 4, 1, 0), 0, gpu.Upload(x), output,
            rows, width);
        float[] result = gpu.Download<float>(output, x.Length);
        for (int row = 0; row < rows; row++)
        {
            double[] e = [.. x.Skip(row * width).Take(width).Select(v => Math.Exp(v))];
            double[] p = [.. e.Select(v => v / e.Sum())];
            double mean = p.Average();
            double scale = 1 / Math.Sqrt(p.Average(v => v * v) - mean * mean + 1e-5);
            for (int i = 0; i < width; i++)
            {
                double v = (p[i] - mean) * scale;
                double expected = 0.5 * v * (1 + Math.Tanh(0.7978845608 * (v + 0.044715 * v * v * v)));
                Assert.InRange(result[row * width + i], expected - 2e-5, expected + 2e-5);
            }
        }
    }

    [Theory, MemberData(nameof(Architectures))]
    public void Double_MathematicsOfTheCompiler_IsAccurate(int architecture)
    {
        double[] x = [0.25, 1, 1.5, 2, 3.75, 10, 99.5, 1e-3, 700, 1e-300];
        using var gpu = new EmulatedGpuFixture();
        nint output = gpu.Driver.AllocateMemory(8 * 6 * x.Length);
        gpu.Launch(gpu.Function(Compile("typical.cu", architecture), "k_double"), LaunchShape.Linear(1, 32), 0, gpu.Upload(x), output, x.Length);
        double[] y = gpu.Download<double>(output, 6 * x.Length);
        for (int i = 0; i < x.Length; i++)
        {
            Assert.Equal(Math.Sqrt(x[i]), y[6 * i]);
            Assert.Equal(1 / x[i], y[6 * i + 1]);
            AssertClose(Math.Exp(-x[i]), y[6 * i + 2]);
            AssertClose(Math.Log(x[i]), y[6 * i + 3]);
            AssertClose(Math.Pow(0.999, x[i]), y[6 * i + 4]);
            Assert.Equal(Math.Truncate(x[i] * 1000.0) + Math.Floor(x[i]), y[6 * i + 5]);
        }
        // CUDA promises one or two units in the last place.
        static void AssertClose(double expected, double actual) =>
            Assert.InRange(actual, expected - 5e-16 * Math.Abs(expected), expected + 5e-16 * Math.Abs(expected));
    }

    [Fact]
    public void Scatter_OfSortedPositions_SumsInOrder()
    {
        int[] tokens = [2, 0, 2, 1, 2];
        float[] grad = [.. Enumerable.Range(0, 5 * 40).Select(i => i * 0.3f)];
        using var gpu = new EmulatedGpuFixture();
        nint table = gpu.Driver.AllocateMemory(4 * 4 * 40);
        gpu.Launch(gpu.Function(Compile("typical.cu", 80), "k_scatter"), LaunchShape.Linear(4, 32), 0, gpu.Upload(tokens), gpu.Upload(grad),
            table, 5, 40);
        float[] result = gpu.Download<float>(table, 160);
        Assert.Equal(Enumerable.Range(0, 40).Select(c => 0f + grad[c] + grad[80 + c] + grad[160 + c]), result[80..120]);
        Assert.All(result[120..], value => Assert.Equal(0, value));
    }

    [Theory]
    [InlineData("k_out_of_bounds", "out of bounds: a write of 4 bytes", "thread (10, 0, 0)")]
    [InlineData("k_tail", "out of bounds: a write of 4 bytes", "thread (10, 0, 0)")]
    [InlineData("k_uninitialized", "uninitialized: a read of 4 bytes at offset 252", "thread (0, 0, 0)")]
    [InlineData("k_misaligned", "misaligned: a write of 16 bytes", "thread (1, 0, 0)")]
    [InlineData("k_divergent", "barrier divergence: 32 of 64 threads wait", "32 have ended")]
    [InlineData("k_race", "race: ", "with no barrier in between")]
    [InlineData("k_null", "null pointer: a read of 4 bytes", "thread (0, 0, 0)")]
    public void PlantedMistake_InCudaCode_IsFoundOnItsLine(string kernel, string what, string detail)
    {
        using var gpu = new EmulatedGpuFixture(options: new LaunchOptions { DetectRaces = kernel == "k_race", Workers = 1 });
        nint function = gpu.Function(Compile("faulty.cu", 80), kernel);
        (nint input, nint output) = (gpu.Upload(new float[10]), gpu.Driver.AllocateMemory(40));
        gpu.Launch(function, LaunchShape.Linear(1, 64), 0, input, output, 10);
        CudaException error = Assert.Throws<CudaException>(gpu.Driver.SynchronizeContext);
        Assert.Contains(what, error.Message, StringComparison.Ordinal);
        Assert.Contains(detail, error.Message, StringComparison.Ordinal);
        string[] lines = Source("faulty.cu").Split('\n');
        Assert.Contains($"faulty.cu line {Array.FindIndex(lines, line => line.EndsWith("// " + kernel, StringComparison.Ordinal)) + 1}",
            error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void EveryKernel_OfTheLibrary_IsKnownToTheEmulator()
    {
        Nvrtc nvrtc = TestNvrtc.Get();
        KernelLibrary library = KernelLibrary.FromEnvironment();
        using var device = new EmulatedDevice();
        Assert.NotEmpty(library.Kernels);
        foreach (string name in library.Kernels)
            foreach (int architecture in nvrtc.GetArchitectures().Where(a => a >= 70))
            {
                IReadOnlyList<string> options = KernelOptions.For(new KernelTarget(architecture, IsCubin: false));
                (byte[] image, _) = KernelCompiler.Build(nvrtc, library.Read(name), library.Headers, options, cubin: false);
                using LoadedModule module = device.Load(System.Text.Encoding.UTF8.GetString(image[..^1]));
                string[] kernels = [.. module.Module.Functions.Values.Where(f => f.IsEntry).Select(f => f.Name)];
                Assert.NotEmpty(kernels);
                Assert.All(kernels, kernel => module.Translate(kernel));
            }
    }

    private static string Compile(string name, int architecture) => Compiled.GetOrAdd((name, architecture), key => Compile(key)).Value;

    private static Lazy<string> Compile((string Name, int Architecture) key) => new(() =>
    {
        (string name, int architecture) = key;
        string[] options = [$"--gpu-architecture=compute_{architecture}", "-lineinfo", "--std=c++17"];
        (byte[] image, _) = KernelCompiler.Build(TestNvrtc.Get(), new KernelSource(name, Source(name)), [], options, cubin: false);
        return System.Text.Encoding.UTF8.GetString(image[..^1]);
    });

    private static string Source(string name) => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "PtxEmulator", "Kernels", name));
}
