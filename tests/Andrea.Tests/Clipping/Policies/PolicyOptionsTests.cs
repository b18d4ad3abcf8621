using System.Text.Json;
using System.Text.Json.Nodes;
using Andrea.Clipping;
using Andrea.Clipping.Policies;
using Andrea.Optim;
using Andrea.Tests.Support;
using Andrea.Tests.Training;
using Andrea.Training.Checkpoints;

namespace Andrea.Tests.Clipping.Policies;

/// <summary>Policies as options: what is refused, and how they and what they remember stand in checkpoints.</summary>
public class PolicyOptionsTests
{
    public static TheoryData<string> Kinds => [.. ClipPolicy.Kinds];

    public static TheoryData<ClipPolicy> Wrong =>
    [
        new ValuePolicy { Limit = 0 }, new ValuePolicy { Limit = double.NaN }, new ValuePolicy { Limit = 1e-60 }, new ValuePolicy { Limit = double.PositiveInfinity },
        new AgcPolicy { Factor = -1 }, new AgcPolicy { Epsilon = 0 }, new AgcPolicy { Exclude = [""] },
        new ZClipPolicy { Threshold = 0 }, new ZClipPolicy { Decay = 1 }, new ZClipPolicy { WarmupSteps = 1 }, new ZClipPolicy { Epsilon = double.NaN },
        new AdaGcPolicy { Factor = 0 }, new AdaGcPolicy { Decay = -0.1 }, new AdaGcPolicy { WarmupSteps = 0 },
    ];

    [Theory(DisableDiscoveryEnumeration = true), MemberData(nameof(Wrong))]
    public void Policy_OutOfRange_IsRefusedWithTheNumber(ClipPolicy policy)
    {
        using Device device = Device.Cpu(1);
        using var set = new GradientSet([1f]);
        var exception = Assert.ThrowsAny<ArgumentException>(() => new GradClipper(device, set.Tensors, new GradClipperOptions { Policy = policy }));
        Assert.Contains("policy", exception.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Policy_InACheckpoint_ReadsBackEqual(string kind)
    {
        ClipPolicy policy = ClipPolicy.Create(kind) switch
        {
            ZClipPolicy zClip => zClip with { Decay = 0.9, WarmupSteps = 3 },
            AgcPolicy agc => agc with { Exclude = ["a*", "b"] },
            ValuePolicy value => value with { Limit = 0.25 },
            { } other => other,
        };
        Assert.Equal(kind, policy.Kind);
        JsonObject json = JsonSerializer.SerializeToNode(
            SmallRun.Options with { Clip = new GradClipperOptions { Policy = policy } }, CheckpointJson.Default.TrainerOptions)!.AsObject();
        Assert.Equal(kind, json["clip"]!["policy"]!["kind"]!.GetValue<string>());
        Assert.Equal(policy, json.Deserialize(CheckpointJson.Default.TrainerOptions)!.Clip.Policy);
        Assert.True(json["clip"]!.AsObject().Remove("policy"));
        Assert.Equal(new GlobalNormPolicy(), json.Deserialize(CheckpointJson.Default.TrainerOptions)!.Clip.Policy);
    }

    [Fact]
    public void Defaults_AreThoseOfThePapers()
    {
        Assert.Equal(1.0, new ValuePolicy().Limit);
        var agc = new AgcPolicy();
        Assert.Equal((0.01, 1e-3), (agc.Factor, agc.Epsilon));
        Assert.Equal(["lm_head*"], agc.Exclude);
        var zClip = new ZClipPolicy();
        Assert.Equal((2.5, 0.97, 25, 1e-6), (zClip.Threshold, zClip.Decay, zClip.WarmupSteps, zClip.Epsilon));
        var adaGc = new AdaGcPolicy();
        Assert.Equal((1.05, 0.98, 100), (adaGc.Factor, adaGc.Decay, adaGc.WarmupSteps));
        var spam = new SpamStabilizer();
        Assert.Equal((5000.0, 500L, 150, 20L, false), (spam.Threshold, spam.ResetEvery, spam.WarmupSteps, spam.GraceSteps, spam.RestartBiasCorrection));
        var stable = new StableSpamStabilizer();
        Assert.Equal((0.999, 0.7, 0.9, 1000L), (stable.MaximumDecay, stable.NormDecay, stable.SquaredNormDecay, stable.ResetEvery));
    }

    [Fact]
    public void Create_AnotherName_NamesThoseThereAre() =>
        Assert.Contains("adagc", Assert.Throws<ArgumentException>(() => ClipPolicy.Create("median")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("zclip", 2)]
    [InlineData("zclip", 7)]
    [InlineData("adagc", 2)]
    [InlineData("adagc", 7)]
    public void State_SavedAndRestored_GoesOnWithTheSameBits(string kind, int stopAt)
    {
        using TestDevice device = TestDevice.Open("cpu-1");
        using PolicyRun straight = Run(device, kind), stopped = Run(device, kind), resumed = Run(device, kind);
        for (int t = 0; t < 12; t++)
        {
            float[][] gradients = [TestDevice.Normal((ulong)t, 20, t % 5 == 4 ? 3 : 0.2), TestDevice.Normal((ulong)t + 50, 3)];
            ClipResult expected = straight.Step(gradients);
            if (t < stopAt)
                stopped.Step(gradients);
            if (t == stopAt)
                resumed.Clipper.RestorePolicyState(ThroughJson(stopped.Clipper.ReadPolicyState()!));
            if (t >= stopAt)
                Assert.Equal((expected.Coefficient, expected.NormAfter), (resumed.Step(gradients).Coefficient, resumed.Clipper.Read().NormAfter));
        }
        Assert.Equal(PolicyRun.StateOf(straight.Clipper), PolicyRun.StateOf(resumed.Clipper));
        Assert.True(straight.Clipper.Read().ClippedCalls > 0);
    }

    [Fact]
    public void State_OfAnotherPolicy_BeginsAfreshAndADamagedOneIsRefused()
    {
        using TestDevice device = TestDevice.Open("cpu-1");
        using PolicyRun zClip = Run(device, "zclip"), adaGc = Run(device, "adagc");
        string fresh = PolicyRun.StateOf(zClip.Clipper);
        for (int t = 0; t < 6; t++)
        {
            zClip.Step(TestDevice.Normal((ulong)t, 20), TestDevice.Normal(1, 3));
            adaGc.Step(TestDevice.Normal((ulong)t, 20), TestDevice.Normal(1, 3));
        }
        ClipPolicyState good = zClip.Clipper.ReadPolicyState()!, other = adaGc.Clipper.ReadPolicyState()!;
        foreach (ClipPolicyState? state in (ClipPolicyState?[])
            [
                other, null, good with { Version = 2 }, With(good, "warmup", 1),
            ])
        {
            zClip.Clipper.RestorePolicyState(good);
            Assert.NotEqual(fresh, PolicyRun.StateOf(zClip.Clipper));
            zClip.Clipper.RestorePolicyState(state);
            Assert.Equal(fresh, PolicyRun.StateOf(zClip.Clipper));
        }
        adaGc.Clipper.RestorePolicyState(With(other, "gammas", 1, 2, 3));
        Assert.Equal([0.0, 0], adaGc.Clipper.ReadPolicyState()!.Values["gammas"]);
        zClip.Clipper.RestorePolicyState(good);
        string before = PolicyRun.StateOf(zClip.Clipper), otherBefore = PolicyRun.StateOf(adaGc.Clipper);
        foreach ((ClipPolicyState damaged, string expected) in ((ClipPolicyState, string)[])
            [
                (good with { Kind = null! }, "no kind"), (good with { Values = null! }, "no values"),
                (good with { Values = new Dictionary<string, double[]>(good.Values) { ["mean"] = null! } }, "null for its 'mean'"),
                (With(good, "mean", double.NaN), "NaN in its 'mean'"), (With(good, "variance", double.PositiveInfinity), "in its 'variance'"),
                (With(good, "count", -1), "-1 in its 'count'"), (With(good, "count", 2.5), "2.5 for its 'count'"), (With(good, "mean"), "0 numbers in its 'mean'"),
                (good with { Values = new Dictionary<string, double[]>() }, "lacks its 'count'"), (With(other, "steps", 1e300), "1E+300 for its 'steps'"),
                (other with { Values = new Dictionary<string, double[]> { ["steps"] = [3] } }, "lacks its 'gammas'"),
            ])
        {
            GradClipper clipper = damaged.Kind == "adagc" ? adaGc.Clipper : zClip.Clipper;
            Assert.Contains(expected, Assert.Throws<ArgumentException>(() => clipper.RestorePolicyState(damaged)).Message, StringComparison.Ordinal);
            Assert.Equal((before, otherBefore), (PolicyRun.StateOf(zClip.Clipper), PolicyRun.StateOf(adaGc.Clipper)));
        }
    }

    private static ClipPolicyState With(ClipPolicyState state, string name, params double[] values) =>
        state with { Values = new Dictionary<string, double[]>(state.Values) { [name] = values } };

    private static ClipPolicyState ThroughJson(ClipPolicyState state)
    {
        var counters = new ClipCounters(1, 2, 3, 4) { Policy = state };
        return JsonSerializer.Deserialize(JsonSerializer.Serialize(counters, CheckpointJson.Default.ClipCounters), CheckpointJson.Default.ClipCounters)!.Policy!;
    }

    private static PolicyRun Run(TestDevice device, string kind) => new(
        device,
        new GradClipperOptions
        {
            MaxNorm = 50,
            Policy = kind == "zclip" ? new ZClipPolicy { WarmupSteps = 4, Threshold = 1 } : new AdaGcPolicy { WarmupSteps = 4 },
        },
        PolicyRun.Vectors(20, 3));
}
