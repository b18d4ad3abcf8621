using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cpu;

/// <summary>The smaller layers give the same bits whatever vectors the processor has.</summary>
public class LayerBitsTests : IFingerprint
{
    [Theory, MemberData(nameof(InstructionSetRunner.Narrower), MemberType = typeof(InstructionSetRunner))]
    public void Layers_NarrowerVectors_SameBits(string instructionSet) =>
        Assert.Equal(Fingerprint(), InstructionSetRunner.Fingerprint<LayerBitsTests>(instructionSet));

    /// <summary>One line for each layer, so that a difference says where it is.</summary>
    public static string Fingerprint()
    {
        using var device = new GuardedDevice("cpu-2");
        var lines = new List<string>();
        foreach (NormKind kind in (NormKind[])[NormKind.LayerNorm, NormKind.RmsNorm])
        {
            var norm = new NormCase(kind, HasBias: true, Rows: 40, Channels: 137);
            lines.Add($"{kind} {Digest([.. norm.Forward(device), .. norm.Backward(device)])}");
        }
        foreach (ActivationKind kind in (ActivationKind[])[ActivationKind.Gelu, ActivationKind.Relu])
            lines.Add($"{kind} {Digest(Activate(device, kind))}");
        foreach (int vocabulary in (int[])[65, 5003])
            lines.Add($"cross-entropy {vocabulary} {Digest(new CrossEntropyCase(3, vocabulary).ForwardBackward(device))}");
        return string.Join('\n', lines);
    }

    private static float[][] Activate(GuardedDevice device, ActivationKind kind)
    {
        const int length = 3001;
        Tensor x = device.Input(TestDevice.Normal(1, length, 4)), y = device.Output(length), dx = device.Output(length);
        device.Backend.ActivationForward(kind, x, length, y);
        device.Backend.ActivationBackward(kind, x, device.Input(TestDevice.Normal(2, length)), length, dx);
        device.AssertGuards();
        return [y.ToArray(), dx.ToArray()];
    }

    private static string Digest(float[][] results)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (float[] values in results)
            hash.AppendData(MemoryMarshal.AsBytes(values.AsSpan()));
        return Convert.ToHexString(hash.GetHashAndReset().AsSpan(0, 8));
    }
}
