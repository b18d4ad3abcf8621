using System.Runtime.CompilerServices;
using Andrea.Backends;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cpu;

/// <summary>Nothing is read or written outside a tensor, and a call allocates nothing. Both in child processes of their own.</summary>
public class LinearMemoryTests
{
    [Fact]
    public void Linear_TensorsBetweenGuardPages_StaysInside()
    {
        Assert.SkipUnless(GuardedMemory.IsSupported, "Guard pages are made by mmap.");
        Assert.Equal("inside", InstructionSetRunner.Fingerprint<Inside>("all"));
        Assert.Equal("inside", InstructionSetRunner.Fingerprint<Inside>("avx2"));
    }

    [Fact]
    public void Linear_OneElementTooFar_EndsTheChild()
    {
        Assert.SkipUnless(GuardedMemory.IsSupported, "Guard pages are made by mmap.");
        Assert.ThrowsAny<Exception>(() => InstructionSetRunner.Fingerprint<Outside>("all"));
    }

    [Fact]
    public void Linear_AfterTheFirstCall_AllocatesNothing() =>
        Assert.Equal("0 bytes", InstructionSetRunner.Fingerprint<Allocated>("all"));

    private static void RunAll(IBackend backend, int rows, int inputSize, int outputSize, Func<long, Tensor> allocate)
    {
        Tensor input = allocate((long)rows * inputSize), weight = allocate((long)outputSize * inputSize), output = allocate((long)rows * outputSize);
        Tensor residual = allocate((long)rows * outputSize), bias = allocate(outputSize);
        backend.LinearForward(input, weight, bias, residual, rows, inputSize, outputSize, output);
        backend.LinearForward(input, weight, Tensor.None, Tensor.None, rows, inputSize, outputSize, output);
        backend.LinearBackwardInput(output, weight, rows, inputSize, outputSize, input);
        backend.LinearBackwardWeight(output, input, rows, inputSize, outputSize, weight, bias);
    }

    private sealed class Inside : IFingerprint
    {
        public static string Fingerprint()
        {
            using Device device = Device.Cpu(2);
            var owned = new List<IDisposable>();
            foreach (bool guardAfter in (bool[])[true, false])
            {
                for (int size = 1; size <= 70; size++)
                {
                    RunAll(device.Backend, size, 1 + size * 7 % 19, 1 + size * 5 % 71, length => Guarded(length, guardAfter, owned));
                    RunAll(device.Backend, 1 + size * 3 % 29, size, 1 + size * 11 % 37, length => Guarded(length, guardAfter, owned));
                    owned.ForEach(buffer => buffer.Dispose());
                    owned.Clear();
                }
                // Rows read in place over two blocks of k, rows a multiple of 4 KB apart, and k 2 KB apart, which are packed.
                foreach ((int inputSize, int outputSize) in ((int, int)[])[(385, 35), (1024, 35), (40, 520)])
                    RunAll(device.Backend, 31, inputSize, outputSize, length => Guarded(length, guardAfter, owned));
                owned.ForEach(buffer => buffer.Dispose());
                owned.Clear();
            }
            return "inside";
        }
    }

    private sealed class Outside : IFingerprint
    {
        public static unsafe string Fingerprint()
        {
            var owned = new List<IDisposable>();
            Tensor tensor = Guarded(5, guardAfter: true, owned);
            return Unsafe.Read<float>((float*)tensor.Address + 5) == 0 ? "zero" : "not zero";
        }
    }

    private sealed class Allocated : IFingerprint
    {
        public static string Fingerprint()
        {
            using var device = new TestDevice(Device.Cpu(2));
            var tensors = new List<Tensor>();
            RunAll(device.Backend, 60, 400, 70, length => Remember(tensors, device.Zeros(length)));
            int next = 0;
            Func<long, Tensor> again = _ => tensors[next++ % tensors.Count];
            RunAll(device.Backend, 60, 400, 70, again);
            long bytes = Allocations.OfAllThreads(() =>
            {
                for (int call = 0; call < 20; call++)
                    RunAll(device.Backend, 60, 400, 70, again);
            });
            return $"{bytes} bytes";
        }

        private static Tensor Remember(List<Tensor> tensors, Tensor tensor)
        {
            tensors.Add(tensor);
            return tensor;
        }
    }

    private static Tensor Guarded(long length, bool guardAfter, List<IDisposable> owned)
    {
        var buffer = new DeviceBuffer<float>(new GuardedMemory(length * sizeof(float), guardAfter), length);
        owned.Add(buffer);
        return new Tensor(buffer, 0, new TensorShape(length));
    }
}
