using Andrea.Cuda;
using Andrea.PtxEmulator.Execution;
using Andrea.Tensors;
using Andrea.Tests.Cpu;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.Attention;

/// <summary>The same bits on every run and in every order of blocks and threads; nothing touched outside a tensor; nothing allocated.</summary>
public class AttentionOrderTests
{
    // One of each kind of tiles, of several tiles each.
    private static readonly AttentionCase[] Problems =
        [new(2, 70, 2, 20), new(1, 70, 1, 64), new(1, 40, 1, 80), new(1, 34, 1, 100), new(1, 40, 1, 130)];

    public static TheoryData<string> Devices => AttentionParityTests.Devices;

    [Fact]
    public void Attention_ShuffledOrder_HasNoRaceAndTheSameBits()
    {
        using TestDevice natural = TestDevice.OpenEmulator();
        float[][] expected = Everything(natural);
        foreach (ulong seed in (ulong[])[0, 20_240_607])
        {
            using TestDevice shuffled = TestDevice.OpenEmulator(new LaunchOptions { Seed = seed, DetectRaces = true });
            Bits.AssertEqual($"seed {seed}", expected, Everything(shuffled));
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void Attention_Repeated_SameBits(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        float[][] expected = Everything(device);
        // Something else in between: nothing may remain in scratch memory from one call to the next.
        new AttentionCase(1, 100, 2, 40, seed: 9).ForwardBackward(device);
        Bits.AssertEqual("again", expected, Everything(device));
    }

    /// <summary>Odd addresses give the scalar path, which has the bits of the vector path; nothing beside a tensor is read or written.</summary>
    [Theory, MemberData(nameof(Devices))]
    public void Attention_OddAddressesBetweenGuards_SameBitsAndNothingTouched(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        using var guarded = new GuardedDevice(name);
        foreach (AttentionCase problem in Problems.Append(new AttentionCase(1, 17, 2, 3)))
        {
            (float[] output, float[] logSumExp) = problem.Forward(device);
            Bits.AssertEqual(problem.Name, [output, logSumExp, problem.Backward(device, output, logSumExp)], Guarded(guarded, problem));
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void Attention_AnyTensorUnaligned_SameBits(string name)
    {
        foreach (int headSize in (int[])[16, 64, 80, 100, 132])
        {
            var problem = new AttentionCase(1, 20, 1, headSize);
            KernelRuns.AssertSameBitsWithAnyTensorUnaligned(name, device => Guarded(device, problem));
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void AttentionDecode_OddAddressesBetweenGuards_NothingElseTouched(string name)
    {
        using var guarded = new GuardedDevice(name);
        const int heads = 3, headSize = 7, maximum = 150;
        foreach (int position in (int[])[0, 127, 149])
        {
            float[] cache = TestDevice.Normal(3, heads * maximum * headSize);
            Tensor keys = Cache(cache), values = Cache(cache), output = guarded.Output(heads * headSize);
            guarded.Backend.AttentionDecode(guarded.Input(TestDevice.Normal(4, 3 * heads * headSize)), position, heads, headSize, keys, values, output);
            Assert.All(output.ToArray(), value => Assert.True(float.IsFinite(value)));
            guarded.AssertGuards();
        }

        Tensor Cache(float[] values)
        {
            Tensor tensor = guarded.Output(new TensorShape(heads, maximum, headSize));
            tensor.CopyFrom(values);
            return tensor;
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void Attention_AfterTheFirstCall_AllocatesNothing(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        var problem = new AttentionCase(1, 3, 2, 4);
        Tensor qkv = device.Tensor(problem.Qkv), dQkv = device.Zeros(problem.Qkv.Length), dOutput = device.Tensor(problem.DOutput);
        Tensor output = device.Zeros(problem.OutputLength), logSumExp = device.Zeros(6);
        Tensor keys = device.Zeros(2, 130, 4), values = device.Zeros(2, 130, 4);
        void Run()
        {
            device.Backend.AttentionForward(qkv, 1, 3, 2, 4, output, logSumExp);
            device.Backend.AttentionBackward(dOutput, qkv, output, logSumExp, 1, 3, 2, 4, dQkv);
            device.Backend.AttentionDecode(qkv, 2, 2, 4, keys, values, output);
            device.Backend.AttentionDecode(qkv, 129, 2, 4, keys, values, output);
        }
        Run();
        long made = ((CudaBackend)device.Backend).Context.Handle.Allocations.Total;
        for (int i = 0; i < 3; i++)
            Run();
        Assert.Equal(made, ((CudaBackend)device.Backend).Context.Handle.Allocations.Total);
    }

    /// <summary>Output, sums and gradient on tensors between guard zones, which are checked.</summary>
    private static float[][] Guarded(GuardedDevice device, AttentionCase problem)
    {
        (int batch, int tokens, int heads, int headSize) = (problem.Batch, problem.Tokens, problem.Heads, problem.HeadSize);
        Tensor qkv = device.Input(problem.Qkv), output = device.Output(problem.OutputLength), sums = device.Output(batch * heads * tokens);
        device.Backend.AttentionForward(qkv, batch, tokens, heads, headSize, output, sums);
        Tensor gradient = device.Output(problem.Qkv.Length);
        device.Backend.AttentionBackward(device.Input(problem.DOutput), qkv, output, sums, batch, tokens, heads, headSize, gradient);
        device.AssertGuards();
        return [output.ToArray(), sums.ToArray(), gradient.ToArray()];
    }

    private static float[][] Everything(TestDevice device)
    {
        var results = new List<float[]>();
        foreach (AttentionCase problem in Problems)
        {
            (float[] output, float[] logSumExp) = problem.Forward(device);
            results.AddRange([output, logSumExp, problem.Backward(device, output, logSumExp)]);
        }
        results.Add(AttentionDecodeParityTests.Decode(new AttentionCase(1, 132, 2, 9), device, 140));
        // Heads of more columns than a warp has lanes, which take turns in shared memory.
        results.Add(AttentionDecodeParityTests.Decode(new AttentionCase(1, 9, 2, 40), device, 140));
        return [.. results];
    }
}
