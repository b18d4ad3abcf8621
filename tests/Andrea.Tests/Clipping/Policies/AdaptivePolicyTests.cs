using Andrea.Clipping;
using Andrea.Clipping.Policies;
using Andrea.Tests.Support;

namespace Andrea.Tests.Clipping.Policies;

/// <summary>Policies that remember: against their papers' formulas in double, and against numbers of a program of its own.</summary>
public class AdaptivePolicyTests
{
    public static TheoryData<string> Devices => PolicyFormulaTests.Devices;

    /// <summary>Norms around 0.5, with spikes at 30, 35 and 36.</summary>
    private static float NormAt(int t) =>
        (float)((0.5 + 0.125 * (t * 7 % 5 - 2) / 2) * t switch { 30 => 4, 35 => 20, 36 => 1.5, _ => 1 });

    [Theory, MemberData(nameof(Devices))]
    public void ZClip_SixtyNorms_AreClippedAsTheAuthorsWould(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        (int Step, double Infinite, double Limited)[] expected =
        [
            (0, 0.375, 0.375), (4, 0.5625, 0.55), (29, 0.5625, 0.55), (30, 0.5487973792618417, 0.5487973792618417), (31, 0.5, 0.5),
            (35, 0.5116791695426273, 0.5116791695426273), (36, 0.6875456870045049, 0.55), (59, 0.5625, 0.55),
        ];
        foreach (bool infinite in (bool[])[true, false])
        {
            var options = new GradClipperOptions { MaxNorm = infinite ? double.PositiveInfinity : 0.55, Policy = new ZClipPolicy() };
            using var run = new PolicyRun(device, options, PolicyRun.Vectors(1));
            var after = new double[60];
            for (int t = 0; t < after.Length; t++)
                after[t] = run.Step([NormAt(t)]).NormAfter;
            foreach ((int step, double whenInfinite, double whenLimited) in expected)
                Assert.Equal(infinite ? whenInfinite : whenLimited, after[step], 1e-12);
            Assert.Equal(infinite ? 3 : 3 + Enumerable.Range(0, 60).Count(t => t is not 30 and not 35 and not 36 && NormAt(t) > 0.55), run.Clipper.Read().ClippedCalls);
            ClipPolicyState state = run.Clipper.ReadPolicyState()!;
            Assert.Equal((60.0, 25), (state.Values["count"][0], state.Values["warmup"].Length));
            // What was clipped by the maximum alone is taken in as it was.
            Assert.Equal(0.5081507578368238, state.Values["mean"][0], 1e-13);
            Assert.Equal(0.007650653057674166, state.Values["variance"][0], 1e-13);
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void ZClip_AnyNorms_FollowTheFormula(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        var policy = new ZClipPolicy { Threshold = 1.5, Decay = 0.9, WarmupSteps = 4 };
        using var run = new PolicyRun(device, new GradClipperOptions { MaxNorm = 1.7, Policy = policy }, PolicyRun.Vectors(300, 2));
        double mean = 0, variance = 0;
        var first = new List<double>();
        for (int t = 0; t < 30; t++)
        {
            float[] gradients = TestDevice.Normal((ulong)t, 300, t % 11 == 9 ? 0.5 : 0.05);
            double norm = Math.Sqrt(gradients.Sum(g => (double)g * g)), limit = double.PositiveInfinity;
            if (t < 4)
            {
                first.Add(norm);
                mean = first.Average();
                variance = first.Average(x => (x - mean) * (x - mean));
            }
            else
            {
                double sigma = Math.Sqrt(variance), z = (norm - mean) / (sigma + 1e-6);
                if (z > 1.5)
                    limit = mean + 1.5 * 1.5 * sigma / z;
                double observed = Math.Min(norm, limit);
                mean = 0.9 * mean + 0.1 * observed;
                variance = 0.9 * variance + 0.1 * (observed - mean) * (observed - mean);
            }
            ClipResult result = run.Step(gradients, [0, 0]);
            Assert.Equal(Math.Min(norm, Math.Min(limit, 1.7)), result.NormAfter, 1e-11);
            Assert.All(run.Norms, tensor => Assert.Equal(result.Coefficient, tensor.Coefficient));
            Assert.Equal(gradients[5] * result.Coefficient, run.Gradients[0][5], 1e-6);
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void ZClip_ZerosAndThenGradients_LearnsFromTheGradients(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        var options = new GradClipperOptions { MaxNorm = 3, Policy = new ZClipPolicy { WarmupSteps = 3 } };
        using var run = new PolicyRun(device, options, PolicyRun.Vectors(1));
        string fresh = PolicyRun.StateOf(run.Clipper);
        for (int t = 0; t < 5; t++)
            run.Step([0]);
        Assert.Equal(fresh, PolicyRun.StateOf(run.Clipper));
        // MaxNorm clips the warm-up, which begins here. A norm of 0 in it, or after it, is as if it had not been.
        Assert.Equal([1.0, 0, 3, 3, 0], ((float[])[1, 0, 8, 3, 0]).Select(norm => run.Step([norm]).NormAfter));
        ClipPolicyState state = run.Clipper.ReadPolicyState()!;
        Assert.Equal((3.0, 4.0), (state.Values["count"][0], state.Values["mean"][0]));
        Assert.Equal([1.0, 8, 3], state.Values["warmup"]);
        Assert.Equal(26.0 / 3, state.Values["variance"][0], 1e-14);
    }

    [Theory, MemberData(nameof(Devices))]
    public void ZClip_NormsAllTheSame_LearnsAnew(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        var options = new GradClipperOptions { MaxNorm = double.PositiveInfinity, Policy = new ZClipPolicy { WarmupSteps = 3 } };
        using var run = new PolicyRun(device, options, PolicyRun.Vectors(1));
        // Only the last is after a warm-up of norms that scatter.
        Assert.Equal([1.0, 1, 1, 5, 6, 7], ((float[])[1, 1, 1, 5, 6, 7]).Select(norm => run.Step([norm]).NormAfter));
        Assert.Equal([5.0, 6, 7], run.Clipper.ReadPolicyState()!.Values["warmup"]);
        Assert.InRange(run.Step([100]).NormAfter, 6, 8);

        // A checkpoint of a mean of zeros, as it could be written once, holds nothing at 0.
        run.Clipper.RestorePolicyState(new ClipPolicyState("zclip", 1, new Dictionary<string, double[]>
        {
            ["count"] = [90], ["mean"] = [0], ["variance"] = [0.5], ["warmup"] = [0, 0, 0],
        }));
        Assert.Equal([5.0, 6, 7], ((float[])[5, 6, 7]).Select(norm => run.Step([norm]).NormAfter));
    }

    /// <summary>Their mean is an ulp beside them, and their variance not 0.</summary>
    [Theory, MemberData(nameof(Devices))]
    public void ZClip_NormsAllTheSameButForRounding_LearnsAnew(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        var options = new GradClipperOptions { MaxNorm = double.PositiveInfinity, Policy = new ZClipPolicy { WarmupSteps = 25 } };
        using var run = new PolicyRun(device, options, PolicyRun.Vectors(3));
        double Step(float g) => run.Step([g, g, g]).Coefficient;
        for (int t = 0; t < 25; t++)
            Step(0.1f);
        double mean = run.Clipper.ReadPolicyState()!.Values["mean"][0], variance = run.Clipper.ReadPolicyState()!.Values["variance"][0];
        Assert.InRange(variance, double.Epsilon, 1e-30);
        Assert.Equal(1, Step(0.5f));
        Assert.Equal(1.0, run.Clipper.ReadPolicyState()!.Values["count"][0]);

        // Once learned, too: the least deviation that is one is a millionth of a millionth of the mean.
        foreach ((double least, double held) in ((double, double)[])[(0.99e-24, 1), (1.01e-24, mean / (Math.Sqrt(3) * 0.5f))])
        {
            run.Clipper.RestorePolicyState(new ClipPolicyState("zclip", 1, new Dictionary<string, double[]>
            {
                ["count"] = [5000], ["mean"] = [mean], ["variance"] = [least * mean * mean], ["warmup"] = new double[25],
            }));
            Assert.Equal(held, Step(0.5f), 1e-9);
        }
    }

    /// <summary>Two tensors, each with a spike of its own.</summary>
    private static (float First, float Second) NormsAt(int t) =>
        ((float)((0.5 + 0.125 * (t * 7 % 5 - 2) / 2) * (t == 15 ? 10 : 1)), (float)((2 + 0.5 * (t * 3 % 4 - 1)) * (t == 20 ? 100 : 1)));

    [Theory, MemberData(nameof(Devices))]
    public void AdaGc_ThirtySteps_AreClippedAsThePaperSays(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        (int Step, double First, double Second)[] expected =
        [
            (0, 0.6467616667635546, 0.6467616667635546), (9, 0.32762406231144064, 0.32762406231144064), (10, 0.3472972568497837, 0.39325825457899877),
            (15, 0.03490372195813105, 0.4940356029612359), (16, 0.2620396926006689, 0.6593728514189295), (20, 0.3507858995435305, 0.006620143016998645),
            (29, 0.23597042029470983, 0.3339981593113615),
        ];
        using var run = new PolicyRun(device, new GradClipperOptions { Policy = new AdaGcPolicy { WarmupSteps = 10 } }, PolicyRun.Vectors(1, 1));
        var coefficients = new (double First, double Second)[30];
        for (int t = 0; t < 30; t++)
        {
            (float first, float second) = NormsAt(t);
            ClipResult result = run.Step([first], [second]);
            coefficients[t] = (run.Norms[0].Coefficient, run.Norms[1].Coefficient);
            Assert.Equal(Math.Sqrt(Math.Pow(coefficients[t].First * first, 2) + Math.Pow(coefficients[t].Second * second, 2)), result.NormAfter, 1e-12);
        }
        foreach ((int step, double first, double second) in expected)
        {
            Assert.Equal(first, coefficients[step].First, 1e-13);
            Assert.Equal(second, coefficients[step].Second, 1e-13);
        }
        ClipPolicyState state = run.Clipper.ReadPolicyState()!;
        Assert.Equal(30, state.Values["steps"][0]);
        Assert.Equal(0.1265391378830381, state.Values["gammas"][0], 1e-13);
        Assert.Equal(0.955234735630494, state.Values["gammas"][1], 1e-13);
    }

    [Theory, MemberData(nameof(Devices))]
    public void AdaGc_InTheWarmup_HasTheBitsOfTheGlobalNorm(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        var options = new GradClipperOptions { MaxNorm = 3 };
        using var global = new PolicyRun(device, options, PolicyRun.Vectors(100, 30), withOptimizer: true);
        using var adaGc = new PolicyRun(device, options with { Policy = new AdaGcPolicy() }, PolicyRun.Vectors(100, 30), withOptimizer: true);
        for (ulong t = 0; t < 5; t++)
        {
            float[][] gradients = [TestDevice.Normal(t, 100, 0.1 * (t + 1)), TestDevice.Normal(t + 50, 30)];
            Assert.Equal(global.Step(gradients), adaGc.Step(gradients));
            Assert.Equal(global.Parameters, adaGc.Parameters);
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void AdaGc_TensorWithoutGradient_IsNotFrozen(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        using var run = new PolicyRun(device, new GradClipperOptions { MaxNorm = 4, Policy = new AdaGcPolicy { WarmupSteps = 2 } }, PolicyRun.Vectors(1, 1));
        run.Step([1], [0]);
        run.Step([1], [0]);
        run.Step([1], [0]);
        Assert.Equal([1.0, 0.0], run.Clipper.ReadPolicyState()!.Values["gammas"]);
        // Its first gradient is clipped by the joint norm, sqrt(65); the next one by its own.
        run.Step([1], [8]);
        Assert.Equal(4 / Math.Sqrt(65), run.Norms[1].Coefficient, 1e-14);
        double gamma = 8 * run.Norms[1].Coefficient;
        run.Step([1], [8]);
        Assert.Equal(1.05 * gamma / 8, run.Norms[1].Coefficient, 1e-14);
        // And steps without one leave what is remembered alone.
        string before = PolicyRun.StateOf(run.Clipper).Split("gammas")[1].Split(' ')[^1];
        run.Step([1], [0]);
        Assert.Equal(before, PolicyRun.StateOf(run.Clipper).Split(' ')[^1]);
    }
}
