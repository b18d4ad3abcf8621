using System.Runtime.InteropServices;
using System.Text.Json;
using Andrea.Tests.Support;

namespace Andrea.Tests.Golden;

/// <summary>One set of inputs, and what PyTorch made of them.</summary>
public sealed class GoldenCase(JsonElement element)
{
    public string Name { get; } = element.GetProperty("name").GetString()!;

    public double Number(string name) => Member("numbers", name).GetDouble();

    public int Integer(string name) => Member("numbers", name).GetInt32();

    public bool Flag(string name) => Integer(name) != 0;

    public bool HasNumber(string name) => Has("numbers", name);

    public double[] Series(string name) => [.. Member("series", name).EnumerateArray().Select(value => value.GetDouble())];

    public int[] Integers(string name) => [.. Member("integers", name).EnumerateArray().Select(value => value.GetInt32())];

    public bool HasIntegers(string name) => Has("integers", name);

    public bool HasOutput(string name) => Has("outputs", name);

    /// <summary>Names of the inputs, in the file's order.</summary>
    public IEnumerable<string> InputNames => element.GetProperty("inputs").EnumerateObject().Select(input => input.Name);

    public long[] InputShape(string name) => Shape(Member("inputs", name));

    /// <summary>Computes an input from its formula.</summary>
    public float[] Input(string name)
    {
        JsonElement input = Member("inputs", name);
        double scale = input.GetProperty("scale").GetDouble(), offset = input.GetProperty("offset").GetDouble();
        return GoldenFormula.Uniform(input.GetProperty("seed").GetUInt64(), Length(input), scale, offset);
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
        JsonElement output = Member("outputs", name);
        Assert.Equal(Length(output), wholeLength);
        float[] values = MemoryMarshal.Cast<byte, float>(output.GetProperty("float32").GetBytesFromBase64()).ToArray();
        int every = output.GetProperty("every").GetInt32();
        Assert.Equal((wholeLength + every - 1) / every, values.Length);
        return (values, every);
    }

    private JsonElement Member(string kind, string name) => element.GetProperty(kind).GetProperty(name);

    private bool Has(string kind, string name) => element.GetProperty(kind).TryGetProperty(name, out _);

    private static long Length(JsonElement owner) => Shape(owner).Aggregate(1L, (product, size) => product * size);

    private static long[] Shape(JsonElement owner) => [.. owner.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
}
