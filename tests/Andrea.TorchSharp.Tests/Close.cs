namespace Andrea.TorchSharp.Tests;

/// <summary>Closeness of two float32 computations that round in different places.</summary>
internal static class Close
{
    public static void Assert(float[]?[] expected, float[]?[] actual, double relative = 2e-6, double absolute = 1e-7)
    {
        Xunit.Assert.Equal(expected.Length, actual.Length);
        for (int tensor = 0; tensor < expected.Length; tensor++)
        {
            Xunit.Assert.Equal(expected[tensor] is null, actual[tensor] is null);
            for (int i = 0; i < (expected[tensor]?.Length ?? 0); i++)
            {
                float e = expected[tensor]![i], a = actual[tensor]![i];
                Xunit.Assert.True(Math.Abs(e - a) <= absolute + relative * Math.Abs(e), $"Tensor {tensor}, element {i}: {a} instead of {e}.");
            }
        }
    }
}
