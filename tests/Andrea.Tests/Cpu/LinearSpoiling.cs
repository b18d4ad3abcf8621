namespace Andrea.Tests.Cpu;

/// <summary>The ways in which one value that is not finite can enter into a linear layer's results, and which of them it then spoils.</summary>
internal static class LinearSpoiling
{
    private static readonly Dictionary<string, (string Result, Func<LinearCase, float[]> Array, Func<LinearCase, int, int> Place, IsSpoilt IsSpoilt)> All = new()
    {
        ["input, its row of output"] = ("output", c => c.Input, (c, at) => at * c.InputSize + 3, (c, at, i) => i / c.OutputSize == at),
        ["weight, its column of output"] = ("output", c => c.Weight, (c, at) => at * c.InputSize + 3, (c, at, i) => i % c.OutputSize == at),
        ["dOutput, its row of dInput"] = ("dInput", c => c.DOutput, (c, at) => at * c.OutputSize + 3, (c, at, i) => i / c.InputSize == at),
        ["weight, its column of dInput"] = ("dInput", c => c.Weight, (c, at) => 3 * c.InputSize + at, (c, at, i) => i % c.InputSize == at),
        ["dOutput, its row of dWeight"] = ("dWeight", c => c.DOutput, (c, at) => 3 * c.OutputSize + at, (c, at, i) => i / c.InputSize == at),
        ["dOutput, its element of dBias"] = ("dBias", c => c.DOutput, (c, at) => 3 * c.OutputSize + at, (_, at, i) => i == at),
        ["input, its column of dWeight"] = ("dWeight", c => c.Input, (c, at) => 3 * c.InputSize + at, (c, at, i) => i % c.InputSize == at),
    };

    private delegate bool IsSpoilt(LinearCase layer, int position, int index);

    public static string[] Names => [.. All.Keys];

    /// <summary>Fails unless exactly the results that contain the value are not finite, and all others are what they are without it.</summary>
    /// <param name="spoiling">One of <see cref="Names"/>.</param>
    /// <param name="layer">At least 4 of each size, and more than <paramref name="position"/>; is spoilt.</param>
    /// <param name="value">A value that is not finite.</param>
    /// <param name="position">Row or column.</param>
    /// <param name="run">Runs the layer.</param>
    public static void AssertSpoils(string spoiling, LinearCase layer, float value, int position, Func<LinearCase, Dictionary<string, float[]>> run)
    {
        (string result, Func<LinearCase, float[]> array, Func<LinearCase, int, int> place, IsSpoilt isSpoilt) = All[spoiling];
        float[] clean = run(layer)[result];
        array(layer)[place(layer, position)] = value;
        float[] actual = run(layer)[result];
        for (int i = 0; i < clean.Length; i++)
        {
            if (isSpoilt(layer, position, i))
                Assert.False(float.IsFinite(actual[i]), $"{result}[{i}] is {actual[i]} although it contains a value that is not finite.");
            else
                Assert.True(clean[i].Equals(actual[i]), $"{result}[{i}] is {actual[i]:g9}, but {clean[i]:g9} with finite values elsewhere.");
        }
    }
}
