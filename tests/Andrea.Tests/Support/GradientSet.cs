using Andrea.Tensors;

namespace Andrea.Tests.Support;

/// <summary>Gradients in plain arrays, with what a test wants to know of them computed independently of the library.</summary>
public sealed class GradientSet : IDisposable
{
    public GradientSet(params float[][] tensors)
    {
        Values = [.. tensors.Select(tensor => (float[])tensor.Clone())];
        Tensors = new ExternalTensors();
        for (int i = 0; i < Values.Length; i++)
            Tensors.Add($"t{i}", Values[i]);
    }

    public float[][] Values { get; }

    public ExternalTensors Tensors { get; }

    /// <summary>The joint norm, by plain summation in double.</summary>
    public double Norm => Math.Sqrt(Values.Sum(tensor => tensor.Sum(value => (double)value * value)));

    public uint[] Bits => Values.SelectMany(tensor => tensor).Select(BitConverter.SingleToUInt32Bits).ToArray();

    public void Dispose() => Tensors.Dispose();
}
