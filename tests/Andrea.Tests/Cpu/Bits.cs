namespace Andrea.Tests.Cpu;

/// <summary>Comparison of floats bit by bit. All NaNs count as equal: processors make them with different bits.</summary>
internal static class Bits
{
    public static void AssertEqual(string name, float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            if (BitConverter.SingleToUInt32Bits(expected[i]) != BitConverter.SingleToUInt32Bits(actual[i])
                && !(float.IsNaN(expected[i]) && float.IsNaN(actual[i])))
                Assert.Fail($"{name}[{i}]: expected the bits of {expected[i]:g9}, got {actual[i]:g9}");
    }

    public static void AssertEqual(string name, float[][] expected, float[][] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            AssertEqual($"{name}, result {i}", expected[i], actual[i]);
    }
}
