using Andrea.Cuda;
using Andrea.Cuda.Interop;
using Andrea.Cuda.Linear;
using Andrea.PtxEmulator.Driver;
using Andrea.Tensors;
using Andrea.Tests.Cpu;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.Linear;

/// <summary>What is asked of cuBLASLt, how often, and what happens to products that it refuses.</summary>
public sealed class CublasLtLinearTests : IDisposable
{
    private readonly CublasDevice _device = CublasDevice.OpenEmulator();

    private EmulatedCublasLt Library => _device.Emulated!;

    [Theory]
    [InlineData(false, (int)CublasCompute.Float32)]
    [InlineData(true, (int)CublasCompute.Float32FastTf32)]
    public void AllowTf32_IsTheComputeTypeOfEveryProduct(bool allow, int compute)
    {
        using CublasDevice device = CublasDevice.OpenEmulator(new CudaOptions { AllowTf32 = allow });
        new LinearCase(3, 4, 5).Run(device.Test);
        Assert.NotEmpty(device.Emulated!.Searches);
        Assert.All(device.Emulated.Searches, search => Assert.Equal((CublasCompute)compute, search.Compute));
    }

    [Fact]
    public void Search_AllowsNoSumInTheOrderOfFinishing()
    {
        new LinearCase(3, 4, 5).Run(_device.Test);
        Assert.All(Library.Searches, search => Assert.Equal(ReductionSchemes.ComputeType | ReductionSchemes.OutputType, search.Schemes));
    }

    [Fact]
    public void Search_PromisesTheAlignmentThatTheAddressesHave()
    {
        DeviceBuffer<float> weights = Buffer(TestDevice.Normal(1, 200)), inputs = Buffer(TestDevice.Normal(2, 200)), outputs = Buffer(new float[200]);
        foreach ((int weight, int input, int output) in ((int, int, int)[])[(0, 0, 0), (1, 2, 4), (16, 0, 6)])
            _device.Backend.LinearForward(
                Part(inputs, input, 30), Part(weights, weight, 42), Tensor.None, Tensor.None, 5, 6, 7, Part(outputs, output, 35));
        Assert.Equal([(256, 256, 256), (4, 8, 16), (64, 256, 8)], Library.Searches.Select(s => (s.Alignments.A, s.Alignments.B, s.Alignments.D)));
        Assert.All(Library.Searches, search => Assert.Equal(search.Alignments.D, search.Alignments.C));
    }

    [Fact]
    public void Products_OfKnownKinds_SearchAndAllocateNothing()
    {
        var layer = new LinearCase(12, 40, 24);
        Dictionary<string, float[]> first = layer.Run(_device.Test);
        (int searches, int alive) = (Library.Searches.Count, Library.AliveCount);
        // Five ways forward, of which two differ in nothing but the addresses; the way back; the weight's gradient.
        Assert.Equal(6, searches);
        Assert.Equal(6, Products.PlanCount);
        foreach ((string name, float[] values) in layer.Run(_device.Test))
            Bits.AssertEqual(name, first[name], values);
        Assert.Equal((searches, alive), (Library.Searches.Count, Library.AliveCount));
    }

    [Fact]
    public void Forward_BiasElsewhere_IsTheBiasAdded()
    {
        Tensor input = _device.Test.Tensor([1, 2]), weight = _device.Test.Tensor([3, 4, 5, 6]), output = _device.Test.Zeros(2);
        DeviceBuffer<float> biases = Buffer([.. Enumerable.Range(0, 80).Select(i => (float)i)]);
        // Off 16 bytes the bias is copied first: kernels of the library would fault.
        foreach (int start in (int[])[0, 64, 0, 4, 1, 2, 63])
        {
            _device.Backend.LinearForward(input, weight, Part(biases, start, 2), Tensor.None, 1, 2, 2, output);
            Assert.Equal([11f + start, 17f + start + 1], output.ToArray());
        }
        Assert.Single(Library.Searches);
    }

    [Fact]
    public void Plans_OfMoreKindsThanAreKept_AreDropped()
    {
        float[] values = TestDevice.Normal(1, 4 * 600);
        Tensor input = _device.Test.Tensor(values), weight = _device.Test.Tensor([1, 2, 3, 4]), output = _device.Test.Zeros(600);
        for (int rows = 1; rows <= 600; rows++)
            _device.Backend.LinearForward(input, weight, Tensor.None, Tensor.None, rows, 4, 1, output);
        Assert.Equal(600 - CublasLtLinear.MaxPlans, Products.PlanCount);
        // A handle, and a description and three matrices for each plan.
        Assert.Equal(1 + 4 * Products.PlanCount, Library.AliveCount);
        float[] last = output.ToArray();
        Assert.Equal(values[2396] + 2 * values[2397] + 3 * values[2398] + 4 * values[2399], last[599], 1e-5);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Products_ThatAreRefused_AreComputedByOurOwn(bool whenRun)
    {
        bool Refuses(EmulatedSearch search) => search.K == 40;
        if (whenRun)
            Library.FailsToRun = Refuses;
        else
            Library.FindsNothingFor = Refuses;
        var layer = new LinearCase(12, 40, 24);
        using TestDevice reference = TestDevice.Open("reference");
        for (int run = 0; run < 2; run++)
        {
            Dictionary<string, float[]> results = layer.Run(_device.Test);
            foreach ((string name, float[] expected) in layer.Run(reference))
                Tolerance.Accumulated.AssertClose(name, expected, results[name]);
        }
        Assert.Equal(10, _device.Own.Calls.Count(call => call == "Forward"));
        Assert.Equal(10, _device.Own.Calls.Count);
        Assert.Equal(1, _device.OwnMade);
        Assert.Equal(6, Library.Searches.Count);

        // The weight's gradient, with that of the bias, counted once.
        layer = new LinearCase(40, 7, 24);
        Dictionary<string, float[]> others = layer.Run(_device.Test);
        foreach ((string name, float[] expected) in layer.Run(reference))
            Tolerance.Accumulated.AssertClose(name, expected, others[name]);
        Assert.Equal("BackwardWeight", _device.Own.Calls[^1]);
    }

    [Fact]
    public void Products_ThatNobodyRefuses_MakeNothingOfOurOwn()
    {
        new LinearCase(5, 6, 7).Run(_device.Test);
        Assert.Equal(0, _device.OwnMade);
        Assert.Equal(7, Library.MultiplyCount);
    }

    [Fact]
    public void Dispose_GivesEverythingBack()
    {
        new LinearCase(5, 6, 7).Run(_device.Test);
        CudaContext context = _device.Backend.Context;
        Assert.True(Library.AliveCount > 1);
        _device.Dispose();
        Assert.Equal(0, Library.AliveCount);
        Assert.Equal((0, 0, 0), (context.Handle.Allocations.Live, context.Handle.Allocations.FailedReleases, context.Handle.Allocations.Forgotten));
    }

    public void Dispose() => _device.Dispose();

    private CublasLtLinear Products => (CublasLtLinear)_device.Backend.Linear.Ops;

    private static Tensor Part(DeviceBuffer<float> buffer, long start, long length) => new(buffer, start, new TensorShape(length));

    private DeviceBuffer<float> Buffer(float[] values)
    {
        DeviceBuffer<float> buffer = _device.Test.Buffer<float>(values.Length);
        buffer.CopyFrom(values);
        return buffer;
    }
}
