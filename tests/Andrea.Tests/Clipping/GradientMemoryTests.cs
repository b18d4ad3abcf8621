using Andrea.Backends;
using Andrea.Clipping;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Clipping;

/// <summary>Norm, scaling and AdamW read and write nothing outside their tensors. In child processes, since to do so ends the process.</summary>
public class GradientMemoryTests
{
    [Theory]
    [InlineData("all")]
    [InlineData("avx2")]
    [InlineData("scalar")]
    public void MeasureAndScale_TensorsBetweenGuardPages_StayInside(string instructionSet)
    {
        Assert.SkipUnless(GuardedMemory.IsSupported, "Guard pages are made by mmap.");
        Assert.Equal("inside", InstructionSetRunner.Fingerprint<Clips>(instructionSet));
    }

    [Theory]
    [InlineData("all")]
    [InlineData("avx2")]
    [InlineData("scalar")]
    public void AdamW_TensorsBetweenGuardPages_StaysInside(string instructionSet)
    {
        Assert.SkipUnless(GuardedMemory.IsSupported, "Guard pages are made by mmap.");
        Assert.Equal("inside", InstructionSetRunner.Fingerprint<Updates>(instructionSet));
    }

    private static IEnumerable<int> Lengths => [.. Enumerable.Range(1, 257), 8191, 8193, 65_535, 65_537];

    /// <summary>A tensor of ones with a guard page right after or right before it.</summary>
    private static ExternalTensors Guarded(int length, bool guardAfter, List<GuardedMemory> owned)
    {
        var memory = new GuardedMemory((long)length * sizeof(float), guardAfter);
        owned.Add(memory);
        var ones = new float[length];
        Array.Fill(ones, 1f);
        memory.Write(0, System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(ones));
        return new ExternalTensors().Add("t", memory.Address, length);
    }

    private static string Everywhere(Action<TestDevice, Func<ExternalTensors>, int> use)
    {
        using TestDevice device = TestDevice.Open("cpu-1");
        foreach (bool guardAfter in (bool[])[true, false])
        {
            foreach (int length in Lengths)
            {
                var owned = new List<GuardedMemory>();
                use(device, () => Guarded(length, guardAfter, owned), length);
                owned.ForEach(memory => memory.Dispose());
            }
        }
        return "inside";
    }

    private sealed class Clips : IFingerprint
    {
        public static string Fingerprint() => Everywhere((device, guarded, length) =>
        {
            using ExternalTensors gradients = guarded();
            using var clipper = new GradClipper(device.Device, gradients, new GradClipperOptions { MaxNorm = 0.5 });
            clipper.Clip();
            ClipResult result = clipper.Read();
            if (!result.Clipped || result.NormBefore != Math.Sqrt(length))
                throw new InvalidOperationException($"{length} ones gave {result}.");
        });
    }

    private sealed class Updates : IFingerprint
    {
        public static string Fingerprint() => Everywhere((device, guarded, length) =>
        {
            using ExternalTensors gradients = guarded(), parameters = guarded(), firstMoments = guarded(), secondMoments = guarded();
            using var table = new ChunkTable(device.Device, gradients, parameters, firstMoments, secondMoments);
            DeviceBuffer<AdamWTensor> tensors = device.Buffer<AdamWTensor>(1);
            DeviceBuffer<double> rate = device.Buffer<double>(1);
            DeviceBuffer<AdamWState> state = device.Buffer<AdamWState>(1);
            tensors.CopyFrom([new AdamWTensor { WeightDecay = 0.1, LearningRateScale = 1 }]);
            rate.CopyFrom([0.01]);
            state.CopyFrom([new AdamWState { Step = 0, Beta1Power = 1, Beta2Power = 1 }]);
            device.Backend.AdamW(table, tensors, new AdamWSettings(0.9, 0.999, 1e-8), rate, state, clip: null);
        });
    }
}
