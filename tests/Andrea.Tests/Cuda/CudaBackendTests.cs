using Andrea.Backends;
using Andrea.PtxEmulator.Driver;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda;

/// <summary>Memory, order and recording of the CUDA backend. The emulator does nothing before it is waited for, so that whatever
/// relies on work that was only enqueued is found out.</summary>
public class CudaBackendTests
{
    private struct ThreeWords
    {
        public int A, B, C;
    }

    [Fact]
    public void Store_BetweenOtherOperations_TakesItsPlaceInOrder()
    {
        using TestDevice test = TestDevice.Open(TestDevice.Emulator);
        DeviceBuffer<double> number = test.Buffer<double>(1);
        using IReadback<double> readback = test.Backend.CreateReadback<double>(4);
        foreach (double value in (double[])[Math.PI, 0, double.NaN, -1e-300])
        {
            test.Backend.Store(value, number);
            Assert.True(readback.Post(number));
        }
        foreach (double value in (double[])[Math.PI, 0, double.NaN, -1e-300])
            Assert.Equal(value, readback.WaitAndTake());
        DeviceBuffer<ThreeWords> words = test.Buffer<ThreeWords>(1);
        test.Backend.Store(new ThreeWords { A = 7, B = 7, C = -3 }, words);
        var read = new ThreeWords[1];
        words.CopyTo(read);
        Assert.Equal((7, 7, -3), (read[0].A, read[0].B, read[0].C));
    }

    [Fact]
    public void Upload_SourceReusedAtOnce_ArrivesAsItWas()
    {
        using TestDevice test = TestDevice.Open(TestDevice.Emulator);
        // More than the staging memory has places, and of growing length, so that places are used again and renewed.
        DeviceBuffer<int>[] targets = [.. Enumerable.Range(0, 100).Select(i => test.Buffer<int>(i + 1))];
        for (int i = 0; i < targets.Length; i++)
        {
            int[] source = [.. Enumerable.Repeat(i, i + 1)];
            test.Backend.Upload<int>(source, targets[i]);
            Array.Fill(source, -1);
        }
        test.Backend.Upload<int>([], targets[0]);
        for (int i = 0; i < targets.Length; i++)
        {
            var read = new int[i + 1];
            targets[i].CopyTo(read);
            Assert.All(read, value => Assert.Equal(i, value));
        }
    }

    [Fact]
    public void Fill_PartOfABuffer_LeavesTheRest()
    {
        using TestDevice test = TestDevice.Open(TestDevice.Emulator);
        DeviceBuffer<float> buffer = test.Buffer<float>(10);
        test.Backend.Fill(1.5f, new Tensor(buffer, 3, new TensorShape(4)));
        test.Backend.Fill(9f, new Tensor(buffer, 5, new TensorShape(0)));
        var read = new float[10];
        buffer.CopyTo(read);
        Assert.Equal([0, 0, 0, 1.5f, 1.5f, 1.5f, 1.5f, 0, 0, 0], read);
    }

    [Fact]
    public void Readback_BeforeTheDeviceIsThere_HasNothing()
    {
        using TestDevice test = TestDevice.Open(TestDevice.Emulator);
        DeviceBuffer<int> number = test.Buffer<int>(1);
        using IReadback<int> readback = test.Backend.CreateReadback<int>(2);
        Assert.False(readback.TryTake(out _));
        Assert.Throws<InvalidOperationException>(() => readback.WaitAndTake());
        test.Backend.Store(5, number);
        Assert.True(readback.Post(number));
        Assert.False(readback.TryTake(out _));
        test.Backend.Store(6, number);
        Assert.True(readback.Post(number));
        Assert.Throws<InvalidOperationException>(() => readback.Post(number));
        Assert.Equal(5, readback.WaitAndTake());
        test.Backend.Synchronize();
        Assert.True(readback.TryTake(out int second));
        Assert.Equal(6, second);
    }

    [Theory]
    [InlineData("cpu-1")]
    [InlineData(TestDevice.Emulator)]
    [InlineData(TestDevice.Gpu)]
    public void Readback_OfArrays_BringsEachAsItWasPosted(string name)
    {
        using TestDevice test = TestDevice.Open(name);
        DeviceBuffer<ThreeWords> source = test.Buffer<ThreeWords>(5);
        using IReadback<ThreeWords> readback = test.Backend.CreateReadback<ThreeWords>(2, length: 3);
        using IReadback<ThreeWords> nothing = test.Backend.CreateReadback<ThreeWords>(2, length: 0);
        var values = new ThreeWords[3];
        Assert.Equal((3, false), (readback.Length, readback.TryTake(values)));
        // More often than the ring has places, so that they are used again.
        for (int round = 0; round < 5; round++)
        {
            for (int i = 0; i < 2; i++)
            {
                test.Backend.Upload<ThreeWords>([.. Enumerable.Range(0, 5).Select(k => new ThreeWords { A = round, B = i, C = k })], source);
                Assert.True(readback.Post(source));
                Assert.True(nothing.Post(source));
            }
            Assert.Throws<InvalidOperationException>(() => readback.Post(source));
            readback.WaitAndTake(values);
            Assert.Equal([(round, 0, 0), (round, 0, 1), (round, 0, 2)], values.Select(value => (value.A, value.B, value.C)));
            test.Backend.Synchronize();
            Assert.True(readback.TryTake(values));
            Assert.Equal([(round, 1, 0), (round, 1, 1), (round, 1, 2)], values.Select(value => (value.A, value.B, value.C)));
            nothing.WaitAndTake(Span<ThreeWords>.Empty);
            Assert.True(nothing.TryTake(Span<ThreeWords>.Empty));
        }
        Assert.Throws<InvalidOperationException>(() => readback.WaitAndTake(values));
    }

    [Fact]
    public void Record_Work_IsDoneAtEveryLaunchAndNotBefore()
    {
        using TestDevice test = TestDevice.Open(TestDevice.Emulator);
        DeviceBuffer<int> number = test.Buffer<int>(1);
        using IReadback<int> readback = test.Backend.CreateReadback<int>(2);
        using IRecording recording = test.Backend.Record(() =>
        {
            Assert.True(test.Backend.IsRecording);
            test.Backend.Store(3, number);
            Assert.False(readback.Post(number));
            Assert.Throws<InvalidOperationException>(() => test.Backend.Upload<int>([1], number));
        });
        Assert.False(test.Backend.IsRecording);
        for (int i = 0; i < 2; i++)
        {
            test.Backend.Store(1, number);
            readback.Post(number);
            Assert.Equal(1, readback.WaitAndTake());
            recording.Launch();
            readback.Post(number);
            Assert.Equal(3, readback.WaitAndTake());
        }
    }

    [Fact]
    public void Dispose_WithWorkUnderWay_GivesEverythingBack()
    {
        using var driver = new EmulatedCudaDriver();
        Device device = CudaDevices.Open(driver);
        var backend = (Andrea.Cuda.CudaBackend)device.Backend;
        DeviceBuffer<int> number = backend.Allocate<int>(1);
        IReadback<int> readback = backend.CreateReadback<int>(2);
        backend.Upload<int>([4], number);
        readback.Post(number);
        Andrea.Cuda.CudaContext context = backend.Context;
        readback.Dispose();
        device.Dispose();
        number.Dispose();
        Assert.Equal(0, context.Handle.Allocations.Live);
        Assert.Equal(0, context.Handle.Allocations.FailedReleases);
        Assert.Throws<ObjectDisposedException>(() => backend.Allocate<int>(1));
    }
}
