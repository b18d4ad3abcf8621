using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cpu;

/// <summary>Nothing is read or written outside a tensor, and a call allocates nothing. Both in child processes,
/// undisturbed and undisturbing.</summary>
public class AttentionMemoryTests
{
    // From 193 tokens on, two threads cut the backward pass of one pair into tiles; see AttentionDeterminismTests.
    private static readonly int[] TokensByTiles = [193, 200, 256, 300];

    [Fact]
    public void Attention_TensorsBetweenGuardPages_StaysInside()
    {
        Assert.SkipUnless(GuardedMemory.IsSupported, "Guard pages are made by mmap.");
        Assert.Equal("inside", InstructionSetRunner.Fingerprint<Inside>("all"));
        Assert.Equal("inside", InstructionSetRunner.Fingerprint<Inside>("avx2"));
    }

    [Fact]
    public void Attention_AfterTheFirstCall_AllocatesNothing() =>
        Assert.Equal("0 bytes", InstructionSetRunner.Fingerprint<Allocated>("all"));

    /// <summary>The tensors of one problem, and every operation on them.</summary>
    private sealed class Run(int batch, int tokens, int heads, int headSize, Func<TensorShape, Tensor> allocate)
    {
        private readonly Tensor _qkv = allocate(new(batch, tokens, 3, heads * headSize)), _dQkv = allocate(new(batch, tokens, 3, heads * headSize));
        private readonly Tensor _output = allocate(new(batch, tokens, heads, headSize)), _dOutput = allocate(new(batch, tokens, heads, headSize));
        private readonly Tensor _logSumExp = allocate(new(batch, heads, tokens)), _token = allocate(new(3, heads, headSize));
        private readonly Tensor _keys = allocate(new(heads, tokens, headSize)), _values = allocate(new(heads, tokens, headSize));
        private readonly Tensor _tokenOutput = allocate(new(heads, headSize));

        public void All(Device device)
        {
            device.Backend.AttentionForward(_qkv, batch, tokens, heads, headSize, _output, _logSumExp);
            device.Backend.AttentionBackward(_dOutput, _qkv, _output, _logSumExp, batch, tokens, heads, headSize, _dQkv);
            device.Backend.AttentionDecode(_token, tokens - 1, heads, headSize, _keys, _values, _tokenOutput);
        }
    }

    private sealed class Inside : IFingerprint
    {
        public static string Fingerprint()
        {
            using Device device = Device.Cpu(2);
            foreach (bool guardAfter in (bool[])[true, false])
            {
                for (int size = 1; size <= 70; size++)
                {
                    Guarded(1 + size % 2, size, 1 + size % 3, 1 + size * 7 % 37, guardAfter, device);
                    Guarded(1 + size % 3, 1 + size * 11 % 140, 1 + size % 2, size, guardAfter, device);
                }
                foreach (int tokens in TokensByTiles)
                    foreach (int headSize in (int[])[1, 20, 32])
                        Guarded(1, tokens, 1, headSize, guardAfter, device);
            }
            return "inside";
        }

        private static void Guarded(int batch, int tokens, int heads, int headSize, bool guardAfter, Device device)
        {
            var owned = new List<DeviceBuffer<float>>();
            new Run(batch, tokens, heads, headSize, Allocate).All(device);
            owned.ForEach(buffer => buffer.Dispose());

            Tensor Allocate(TensorShape shape)
            {
                owned.Add(new DeviceBuffer<float>(new GuardedMemory(shape.Length * sizeof(float), guardAfter), shape.Length));
                return new Tensor(owned[^1], 0, shape);
            }
        }
    }

    private sealed class Allocated : IFingerprint
    {
        public static string Fingerprint()
        {
            using var device = new TestDevice(Device.Cpu(2));
            Run[] runs = [new(2, 150, 3, 20, Allocate), .. TokensByTiles.Select(tokens => new Run(1, tokens, 1, 20, Allocate))];
            for (int call = 0; call < 2; call++)
                All();
            long bytes = Allocations.OfAllThreads(() =>
            {
                for (int call = 0; call < 20; call++)
                    All();
            });
            return $"{bytes} bytes";

            Tensor Allocate(TensorShape shape) => new(device.Buffer<float>(shape.Length), 0, shape);

            void All()
            {
                foreach (Run run in runs)
                    run.All(device.Device);
            }
        }
    }
}
