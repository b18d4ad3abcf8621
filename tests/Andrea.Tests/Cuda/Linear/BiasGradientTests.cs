using Andrea.Cuda;
using Andrea.Cuda.Interop;
using Andrea.Cuda.Linear;
using Andrea.PtxEmulator.Driver;
using Andrea.PtxEmulator.Execution;
using Andrea.Tensors;
using Andrea.Tests.Cpu;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.Linear;

/// <summary>The gradient of a bias against the reference. One class derives from this for whatever runs the kernels.</summary>
public abstract class BiasGradientTests : IDisposable
{
    private readonly TestDevice _device;
    private readonly GuardedDevice _guarded;

    internal BiasGradientTests(ICudaDriver driver)
    {
        var sources = new LinearSources { Own = (loader, scratch) => new BiasOnly(new BiasGradient(loader, scratch)) };
        _device = new TestDevice(CudaDevices.Open(driver, new CudaOptions { UseCublas = false }, sources), driver as IDisposable);
        _guarded = new GuardedDevice(_device);
    }

    [Fact]
    public void Sums_EveryNumberOfRows0To257_AgreesWithReference()
    {
        for (int rows = 0; rows <= 257; rows++)
            AssertAgrees(rows, 1 + rows % 37);
    }

    [Fact]
    public void Sums_EveryNumberOfColumns0To257_AgreesWithReference()
    {
        for (int columns = 0; columns <= 257; columns++)
            AssertAgrees(1 + columns % 23, columns);
    }

    [Theory]
    [InlineData(127, 128)]
    [InlineData(129, 256)]
    [InlineData(1025, 132)]
    [InlineData(5000, 5)]
    [InlineData(2300, 1)]
    public void Sums_AcrossShares_AgreesWithReference(int rows, int columns) => AssertAgrees(rows, columns);

    [Fact]
    public void Sums_AnyAlignment_SameBits()
    {
        float[] matrix = TestDevice.Normal(1, 300 * 140), start = TestDevice.Normal(2, 140);
        float[] expected = Sum(_device.Tensor(matrix), 300, 140, _device.Tensor(start));
        for (int run = 0; run < 3; run++)
            Bits.AssertEqual("dBias", expected, Sum(_device.Tensor(matrix), 300, 140, _device.Tensor(start)));
        Bits.AssertEqual("dBias", expected, Sum(_guarded.Input(matrix), 300, 140, _guarded.InOut(start)));
        _guarded.AssertGuards();
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void Sums_NonFiniteValue_SpoilsItsColumnOnly(float value)
    {
        foreach (int at in (int[])[0, 199 * 70 + 69, 130 * 70 + 3])
        {
            float[] matrix = TestDevice.Normal(1, 200 * 70);
            float[] clean = Sum(_device.Tensor(matrix), 200, 70, _device.Zeros(70));
            matrix[at] = value;
            float[] sums = Sum(_device.Tensor(matrix), 200, 70, _device.Zeros(70));
            for (int column = 0; column < 70; column++)
                Assert.Equal(column == at % 70 ? value : clean[column], sums[column]);
        }
    }

    [Fact]
    public void Sums_HugeAndDenormalValues_AreExactWhereTheyShould()
    {
        float[] matrix = [1e38f, float.Epsilon, -0f, 2e38f, float.Epsilon, -0f, -3e38f, 2 * float.Epsilon, -0f];
        Bits.AssertEqual("dBias", [1e38f + 2e38f - 3e38f, 4 * float.Epsilon, 0], Sum(_device.Tensor(matrix), 3, 3, _device.Zeros(3)));
    }

    /// <summary>Shares of one warp of the join, and of several, that cancel: in f32 the sum would be 0.</summary>
    [Fact]
    public void Sums_SharesThatCancel_AreJoinedInDoublePrecision()
    {
        foreach (int distance in (int[])[1, 8])
        {
            const int ShareRows = 128;
            int rows = (2 * distance + 1) * ShareRows;
            var matrix = new float[rows];
            (matrix[0], matrix[distance * ShareRows], matrix[2 * distance * ShareRows]) = (1e8f, 1, -1e8f);
            Assert.Equal([1f], Sum(_device.Tensor(matrix), rows, 1, _device.Zeros(1)));
        }
    }

    [Fact]
    public void Sums_Repeated_AllocateNothing()
    {
        Tensor matrix = _device.Tensor(TestDevice.Normal(1, 3000)), sums = _device.Zeros(30);
        _ = Sum(matrix, 100, 30, sums);
        var backend = (CudaBackend)_device.Backend;
        long made = backend.Context.Handle.Allocations.Total;
        _ = Sum(matrix, 100, 30, sums);
        Assert.Equal(made, backend.Context.Handle.Allocations.Total);
    }

    public void Dispose()
    {
        _device.Dispose();
        GC.SuppressFinalize(this);
    }

    private float[] Sum(Tensor matrix, int rows, int columns, Tensor sums)
    {
        _device.Backend.LinearBackwardWeight(matrix, Tensor.None, rows, 0, columns, Tensor.None, sums);
        return sums.ToArray();
    }

    private void AssertAgrees(int rows, int columns)
    {
        float[] matrix = TestDevice.Normal(1, rows * columns, 1 / Math.Sqrt(Math.Max(1, rows))), start = TestDevice.Normal(2, columns);
        using TestDevice reference = TestDevice.Open("reference");
        Tensor expected = reference.Tensor(start);
        reference.Backend.LinearBackwardWeight(reference.Tensor(matrix), reference.Zeros(0), rows, 0, columns, reference.Zeros(0), expected);
        float[] sums = Sum(_guarded.Input(matrix), rows, columns, _guarded.InOut(start));
        Tolerance.Accumulated.AssertClose($"{rows} x {columns}", expected.ToArray(), sums);
        _guarded.AssertGuards();
    }

    /// <summary>Products that are nothing but a bias's gradient.</summary>
    private sealed class BiasOnly(BiasGradient gradient) : ILinearOps
    {
        public string Description => "biases only";

        public void Forward(Tensor input, Tensor weight, Tensor bias, Tensor residual, int rows, int inputSize, int outputSize, Tensor output) =>
            throw new NotSupportedException();

        public void BackwardInput(Tensor dOutput, Tensor weight, int rows, int inputSize, int outputSize, Tensor dInput) =>
            throw new NotSupportedException();

        public void BackwardWeight(Tensor dOutput, Tensor input, int rows, int inputSize, int outputSize, Tensor dWeight, Tensor dBias) =>
            gradient.Add(dOutput, rows, outputSize, dBias);
    }
}

/// <summary>On the emulator, blocks and warps in their natural order.</summary>
public sealed class BiasGradientEmulatorTests() : BiasGradientTests(new EmulatedCudaDriver());

/// <summary>The same in a shuffled order, with an eye on races.</summary>
public sealed class ShuffledBiasGradientEmulatorTests()
    : BiasGradientTests(new EmulatedCudaDriver(options: new LaunchOptions { Seed = 77, DetectRaces = true }));

/// <summary>On this machine's GPU.</summary>
public sealed class BiasGradientGpuTests() : BiasGradientTests(CudaDevices.GpuDriver());
