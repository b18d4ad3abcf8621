using Andrea.Backends;
using Andrea.Clipping;
using Andrea.Optim;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Optim;

/// <summary>Optimizers by name, and a few steps of them over three tensors, all of which can be compared bit for bit.</summary>
internal static class UpdateCase
{
    /// <summary>Every optimizer besides plain AdamW, with resets, limits and warmups that come within a few steps.</summary>
    public static Dictionary<string, OptimizerOptions> All { get; } = new()
    {
        ["s3"] = new SoftSignOptions(),
        ["s3-1"] = new SoftSignOptions { Power = 1, Beta = 0.5 },
        ["s3-2"] = new SoftSignOptions { Power = 2, Beta = 0.001 },
        ["s3-4"] = new SoftSignOptions { Power = 4, Beta = 0.999 },
        ["rms"] = new AdamWOptions { Beta2 = 0.9, Stabilizer = new UpdateRmsStabilizer() },
        ["spam"] = new AdamWOptions { Stabilizer = new SpamStabilizer { Threshold = 2, ResetEvery = 3, WarmupSteps = 2, GraceSteps = 1 } },
        ["spam-restart"] = new AdamWOptions
        {
            Stabilizer = new SpamStabilizer { Threshold = 2, ResetEvery = 3, WarmupSteps = 1, GraceSteps = 2, RestartBiasCorrection = true },
        },
        ["stable-spam"] = new AdamWOptions { Stabilizer = new StableSpamStabilizer { MaximumDecay = 0.9, ResetEvery = 3 } },
    };

    // Strong enough that a wrong factor shows in a few steps at low rates; the last tensor has none.
    private static readonly ParameterGroup[] Decays = [new("t0", WeightDecay: 2), new("t1", WeightDecay: 5, LearningRateScale: 0.5)];

    public static TheoryData<string> Names => [.. All.Keys];

    /// <summary>Gradients of a step: noise, with a spike every other step, an entry that never has a gradient, and a tensor of zeros of which all but one entry wake up in the third.</summary>
    public static float[][] Gradients(int step, int length)
    {
        float[][] gradients = [TestDevice.Normal((ulong)step, length), new float[7], [1e-30f * step, -3, 3e-42f, 0]];
        if (length > 0 && step % 2 == 0)
            gradients[0][length / 2] = 1000;
        if (length > 1)
            gradients[0][1] = 0;
        if (step >= 3)
            gradients[1].AsSpan(0, 6).Fill(step);
        return gradients;
    }

    /// <summary>Makes steps and says all that they have changed, in words that differ as soon as one bit does; all NaNs count as one.</summary>
    /// <param name="test">Where.</param><param name="name">Which optimizer.</param><param name="length">Length of the first tensor.</param>
    /// <param name="clip">How to clip.</param><param name="steps">Gradients of each step.</param>
    /// <param name="measured">Whether every other update is measured.</param>
    public static string[] Run(
        TestDevice test, string name, int length, GradClipperOptions clip, IEnumerable<float[][]> steps, bool measured = true)
    {
        using var parameters = new GradientSet(TestDevice.Normal(99, length), TestDevice.Normal(98, 7), [1, 2, 3, 4]);
        using var gradients = new GradientSet(Gradients(1, length));
        ExternalTensors set = gradients.On(test);
        using var clipper = new GradClipper(test.Device, set, clip);
        using Optimizer optimizer = Optimizer.Create(test.Device, parameters.On(test), set, All[name] with { Groups = Decays }, clipper);
        var sums = new List<string>();
        int step = 0;
        if (measured)
            optimizer.MeasureUpdates(() => step % 2 == 0, updates => sums.AddRange(Read(updates)));
        foreach (float[][] values in steps)
        {
            for (int i = 0; i < values.Length; i++)
                values[i].CopyTo(gradients.Values[i], 0);
            gradients.Send();
            optimizer.Step(0.01 / ++step);
        }
        parameters.Fetch();
        OptimizerProgress state = optimizer.ReadProgress();
        return
        [
            $"{state.Step} {Bits(state.Beta1Power)} {Bits(state.Beta2Power)}", .. parameters.Values.SelectMany(tensor => tensor).Select(Bits), .. Arena(optimizer.FirstMoments),
            .. Arena(optimizer.SecondMoments), .. state.Stabilizer.Select(Bits), .. sums,
        ];
    }

    public static IEnumerable<string> Arena(ParameterArena arena) =>
        Enumerable.Range(0, arena.Count).SelectMany(tensor => arena[tensor].ToArray()).Select(Bits);

    public static string Bits(double value) => double.IsNaN(value) ? "NaN" : $"{BitConverter.DoubleToUInt64Bits(value):x16}";

    private static string Bits(float value) => float.IsNaN(value) ? "NaN" : $"{BitConverter.SingleToUInt32Bits(value):x8}";

    private static IEnumerable<string> Read(DeviceBuffer<UpdateSums> updates)
    {
        var values = new UpdateSums[updates.Length];
        updates.CopyTo(values);
        return values.Select(sums =>
            $"{Bits(sums.Weights)} {Bits(sums.Updates)} {Bits(sums.Ratios)} {Bits(sums.SecondMoments)} {Bits(sums.Gradients)}");
    }
}
