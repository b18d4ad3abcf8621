using Andrea.Clipping;
using Andrea.Clipping.Policies;
using Andrea.Tests.Support;

namespace Andrea.Tests.Clipping.Policies;

/// <summary>Whatever gradients are, what a policy remembers is finite; and a step that is not finite leaves it as it was.</summary>
public class PolicyImmunityTests
{
    private static readonly float[] Odd =
        [float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue, float.MinValue, float.Epsilon, -1e-40f, 0, 1e20f];

    public static TheoryData<string, string, NonFinitePolicy> Cases
    {
        get
        {
            var data = new TheoryData<string, string, NonFinitePolicy>();
            foreach (string device in (string[])["reference", "cpu-2", TestDevice.Emulator, TestDevice.Gpu])
                foreach (string kind in ClipPolicy.Kinds)
                    foreach (NonFinitePolicy nonFinite in (NonFinitePolicy[])[NonFinitePolicy.SkipStep, NonFinitePolicy.Propagate])
                        data.Add(device, kind, nonFinite);
            return data;
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void State_AnyValueAtAnyPlaceAndTime_StaysFinite(string name, string kind, NonFinitePolicy nonFinite)
    {
        using TestDevice device = TestDevice.Open(name);
        var options = new GradClipperOptions { NonFinite = nonFinite, MaxConsecutiveSkips = 0, Policy = Short(kind) };
        using var run = new PolicyRun(device, options, PolicyRun.Vectors(5, 3, 1));
        ulong seed = 0;
        // Before the first healthy step, in the warm-up, at its end, and after.
        for (int phase = 0; phase < 4; phase++)
        {
            for (int tensor = 0; tensor < 3; tensor++)
                foreach (float odd in Odd)
                    Plant(run, Healthy(seed++), tensor, odd);
            run.Step(Healthy(seed++));
        }
        // All of them at once, and the policy still knows what is usual.
        run.Step([.. Healthy(seed).Select(values => values.Select(_ => float.NaN).ToArray())]);
        ClipResult result = run.Step(Healthy(seed));
        Assert.True(double.IsFinite(result.NormAfter) && double.IsFinite(result.Coefficient));
        Assert.All(run.Gradients, values => Assert.All(values, value => Assert.True(float.IsFinite(value))));
    }

    private static void Plant(PolicyRun run, float[][] gradients, int tensor, float odd)
    {
        gradients[tensor][gradients[tensor].Length / 2] = odd;
        string before = PolicyRun.StateOf(run.Clipper);
        ClipResult result = run.Step(gradients);
        if (!float.IsFinite(odd))
            Assert.Equal(before, PolicyRun.StateOf(run.Clipper));
        else
            Assert.True(double.IsFinite(result.NormAfter) && result.Coefficient is >= 0 and <= 1, $"{odd} in tensor {tensor} gave {result}.");
        if (run.Clipper.ReadPolicyState() is { } state)
            Assert.All(state.Values.Values, values => Assert.All(values, value => Assert.True(double.IsFinite(value) && value >= 0)));
    }

    /// <summary>The policy with a warm-up that the test gets through: after two healthy steps odd values have filled the rest.</summary>
    private static ClipPolicy Short(string kind) => kind switch
    {
        "zclip" => new ZClipPolicy { WarmupSteps = 30 },
        "adagc" => new AdaGcPolicy { WarmupSteps = 30 },
        _ => ClipPolicy.Create(kind),
    };

    private static float[][] Healthy(ulong seed) => [TestDevice.Normal(seed, 5, 0.1), TestDevice.Normal(seed + 1000, 3), TestDevice.Normal(seed + 2000, 1)];
}
