using System.Runtime.InteropServices;
using System.Text.Json;
using Andrea.Tests.Support;

namespace Andrea.Tests.Golden;

/// <summary>One set of inputs, and what PyTorch made of them.</summary>
public sealed class GoldenCase(JsonElement element)
{
    public string Name { get; } = element.GetProperty("name").GetString()!;

    public double Number(string name) => element.GetProperty("numbers").GetProperty(name).GetDouble();

    public int Integer(string name) => element.GetProperty("numbers").GetProperty(name).GetInt32();

    public bool Flag(string name) => Integer(name) != 0;

    public bool HasNumber(string name) => element.GetProperty("numbers").TryGetProperty(name, out _);

    public double[] Series(string name) => [.. element.GetProperty("series").GetProperty(name).EnumerateArray().Select(value => value.GetDouble())];

    public int[] Integers(string name) => [.. element.GetProperty("integers").GetProperty(name).EnumerateArray().Select(value => value.GetInt32())];

    public bool HasIntegers(string name) => element.GetProperty("integers").TryGetProperty(name, out _);

    public bool HasOutput(string name) => element.GetProperty("outputs").TryGetProperty(name, out _);

    /// <summary>Names of the inputs, in the file's order.</summary>
    public IEnumerable<string> InputNames => element.GetProperty("inputs").EnumerateObject().Select(input => input.Name);

    public long[] InputShape(string name) => Shape(element.GetProperty("inputs").GetProperty(name));

    /// <summary>Computes an input from its formula.</summary>
    public float[] Input(string name)
    {
        JsonElement input = element.GetProperty("inputs").GetProperty(name);
        long length = Shape(input).Aggregate(1L, (product, size) => product * size);
        return GoldenFormula.Uniform(input.GetProperty("seed").GetUInt64(), length, input.GetProperty("scale").GetDouble(), input.GetProperty("offset").GetDouble());
    }

    /// <summary>Compares a whole tensor with the elements of it that the file holds.</summary>
    /// <param name="name">Name of the output.</param>
    /// <param name="tolerance">How far the two may lie apart.</param>
    /// <param name="actual">The whole tensor, as Andrea computed it.</param>
    /// <param name="start">What an accumulated result began with; PyTorch's began with 0.</param>
    public void AssertClose(string name, Tolerance tolerance, float[] actual, float[]? start = null)
    {
        (float[] expected, int every) = Output(name, actual.Length);
        float[] sampled = [.. actual.Where((_, index) => index % every == 0)];
        if (start is not null)
            expected = [.. expected.Select((value, index) => (float)((double)value + start[index * every]))];
        tolerance.AssertClose($"{Name}: {name}" + (every > 1 ? $", every {every}th element" : ""), expected, sampled);
    }

    /// <summary>Asserts that a whole tensor has, where the file holds elements of it, the same bits.</summary>
    public void AssertSameBits(string name, float[] actual)
    {
        (float[] expected, int every) = Output(name, actual.Length);
        float[] sampled = [.. actual.Where((_, index) => index % every == 0)];
        Assert.Equal(expected.Select(BitConverter.SingleToUInt32Bits), sampled.Select(BitConverter.SingleToUInt32Bits));
    }

    private (float[] Values, int Every) Output(string name, int wholeLength)
    {
        JsonElement output = element.GetProperty("outputs").GetProperty(name);
        Assert.Equal(Shape(output).Aggregate(1L, (product, size) => product * size), wholeLength);
        float[] values = MemoryMarshal.Cast<byte, float>(output.GetProperty("float32").GetBytesFromBase64()).ToArray();
        int every = output.GetProperty("every").GetInt32();
        Assert.Equal((wholeLength + every - 1) / every, values.Length);
        return (values, every);
    }

    private static long[] Shape(JsonElement owner) => [.. owner.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
}
