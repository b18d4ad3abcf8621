using Andrea.Clipping;
using Andrea.Clipping.Policies;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Andrea.TorchSharp.Tests;

/// <summary>State, options and groups that arrive after the optimizer was made, right and wrong ones.</summary>
public class LoadedStateTests
{
    [Fact]
    public void Step_MomentsOfASmallerModelLoadedAgainAndAgain_IsRefusedEveryTime()
    {
        using var p = new Parameter(ones(1024));
        using var other = new Parameter(ones(512));
        using FusedAdamW optimizer = Fused.AdamW([("w", p)]);
        using AdamW source = optim.AdamW([other]);
        p.grad = ones(1024);
        other.grad = ones(512);
        optimizer.step();
        source.step();
        float[] before = p.data<float>().ToArray();
        // The second time, and now and then later, a moment of 512 elements lies where one was known to lie.
        for (int i = 0; i < 40; i++)
        {
            optimizer.load_state_dict(source.state_dict());
            Assert.Contains("has 512 elements instead of 1024", Assert.Throws<NotSupportedException>(() => optimizer.step()).Message, StringComparison.Ordinal);
        }
        Assert.Equal(before, p.data<float>().ToArray());
    }

    [Fact]
    public void Step_MomentResizedOrTurnedWhereItLies_IsRefused()
    {
        using var p = new Parameter(ones(64));
        using FusedAdamW optimizer = Fused.AdamW([("w", p)]);
        p.grad = ones(64);
        optimizer.step();
        AdamW.State state = StateOf(optimizer);
        Tensor whole = state.exp_avg;
        // The first two are views of the same memory, so the address is the one known.
        foreach ((Tensor view, string complaint) in ((Tensor, string)[])[(whole[..32], "has 32 elements instead of 64"), (whole.view(32, 2).t(), "is not contiguous"), (zeros(64, dtype: ScalarType.Int32), "is Int32; Andrea works on Float32")])
        {
            state.exp_avg = view;
            Assert.Contains(complaint, Assert.Throws<NotSupportedException>(() => optimizer.step()).Message, StringComparison.Ordinal);
        }
        state.exp_avg = whole;
        optimizer.step();
        Assert.Equal(2, StateOf(optimizer).step);
    }

    [Fact]
    public void Step_BothMomentsInOnePlace_IsRefused()
    {
        using var p = new Parameter(ones(64));
        using FusedAdamW optimizer = Fused.AdamW([("w", p)]);
        p.grad = ones(64);
        optimizer.step();
        AdamW.State state = StateOf(optimizer);
        Tensor second = state.exp_avg_sq;
        state.exp_avg_sq = state.exp_avg;
        Assert.Contains("'w' overlaps the", Assert.Throws<InvalidOperationException>(() => optimizer.step()).Message, StringComparison.Ordinal);
        state.exp_avg_sq = second;
        optimizer.step();
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Step_AmsgradOrMaximizeLoaded_IsRefusedUntilItIsGone(bool amsgrad, bool maximize)
    {
        using var p = new Parameter(ones(4));
        using var q = new Parameter(ones(4));
        using FusedAdamW optimizer = Fused.AdamW([("w", p)]);
        using AdamW source = optim.AdamW([q], amsgrad: amsgrad, maximize: maximize);
        p.grad = ones(4);
        q.grad = ones(4);
        source.step();
        using var stream = new MemoryStream();
        source.save_state_dict(new BinaryWriter(stream));
        stream.Position = 0;
        optimizer.load_state_dict(new BinaryReader(stream));
        for (int i = 0; i < 2; i++)
            Assert.Contains("amsgrad or maximize", Assert.Throws<NotSupportedException>(() => optimizer.step()).Message, StringComparison.Ordinal);
        Assert.Equal(1f, p.data<float>()[0]);
        var options = (AdamW.Options)optimizer.ParamGroups.Cast<AdamW.ParamGroup>().Single().Options;
        (options.amsgrad, options.maximize) = (false, false);
        optimizer.step();
        Assert.True(p.data<float>()[0] < 1f);
    }

    [Fact]
    public void Step_NegativeStepNumberLoaded_IsRefusedEveryTime()
    {
        using var p = new Parameter(ones(4));
        using FusedAdamW optimizer = Fused.AdamW([("w", p)]);
        p.grad = ones(4);
        StateOf(optimizer).step = -3;
        for (int i = 0; i < 2; i++)
            Assert.Contains("-3 steps", Assert.Throws<ArgumentOutOfRangeException>(() => optimizer.step()).Message, StringComparison.Ordinal);
        // It is not in the way of a right one.
        Assert.Equal(-3, ((AdamW.State)optimizer.state_dict().State[0]).step);
        using var other = new Parameter(ones(4));
        using AdamW source = optim.AdamW([other]);
        other.grad = ones(4);
        source.step();
        optimizer.load_state_dict(source.state_dict());
        optimizer.step();
        optimizer.state_dict();
        Assert.Equal(2, StateOf(optimizer).step);
    }

    [Fact]
    public void AddParamGroup_WithZClip_KeepsWhatThePolicyHasLearnt()
    {
        using var p = new Parameter(ones(4));
        using var added = new Parameter(ones(4));
        using FusedAdamW optimizer = Fused.AdamW([("w", p)], new GradClipperOptions { Policy = new ZClipPolicy { WarmupSteps = 3 } });
        p.grad = ones(4);
        for (int step = 0; step < 6; step++)
            optimizer.step();
        ClipPolicyState before = optimizer.Clipper!.ReadPolicyState()!;
        optimizer.add_param_group(new AdamW.ParamGroup([added]));
        ClipPolicyState after = optimizer.Clipper!.ReadPolicyState()!;
        Assert.Equal(before.Values.OrderBy(pair => pair.Key), after.Values.OrderBy(pair => pair.Key), (a, b) => a.Key == b.Key && a.Value.SequenceEqual(b.Value));
        Assert.Contains(before.Values, pair => pair.Value.Any(value => value != 0));
    }

    [Fact]
    public void AddParamGroup_Refused_LeavesTheOptimizerAsItWas()
    {
        using var p = new Parameter(ones(4));
        using var half = new Parameter(ones(4, dtype: ScalarType.Float16));
        using var fine = new Parameter(ones(4));
        using var alone = new Parameter(ones(4));
        using FusedAdamW optimizer = Fused.AdamW([("w", p)], lr: 0.1, max_norm: 100);
        using FusedAdamW expected = Fused.AdamW([("w", alone)], lr: 0.1, max_norm: 100);
        p.grad = ones(4);
        alone.grad = ones(4);
        optimizer.step();
        expected.step();
        Assert.Throws<NotSupportedException>(() => optimizer.add_param_group(new AdamW.ParamGroup([fine, half])));
        Assert.Throws<NotSupportedException>(() => optimizer.add_param_group(new AdamW.ParamGroup([fine], maximize: true)));
        Assert.ThrowsAny<ArgumentException>(() => optimizer.add_param_group(new AdamW.ParamGroup([fine], eps: 0)));
        Assert.Throws<ArgumentException>(() => optimizer.add_param_group(new AdamW.ParamGroup([fine, fine])));
        Assert.Throws<ArgumentException>(() => optimizer.add_param_group(new AdamW.ParamGroup([p])));
        Assert.Single(optimizer.ParamGroups);
        optimizer.step();
        expected.step();
        Assert.Equal(alone.data<float>().ToArray(), p.data<float>().ToArray());
        Assert.Equal(2, StateOf(optimizer).step);
        optimizer.add_param_group(new AdamW.ParamGroup([fine]));
        fine.grad = ones(4);
        optimizer.step();
        Assert.Equal([3L, 1], optimizer.state_dict().State.Select(state => ((AdamW.State)state).step));
    }

    [Theory]
    [InlineData("eps", 0.0)]
    [InlineData("lr", double.NaN)]
    public void Create_NumberOutOfRange_IsRefusedAtOnceByName(string number, double value)
    {
        using var p = new Parameter(ones(4));
        string message = Assert.Throws<ArgumentOutOfRangeException>(() => number == "eps" ? Fused.AdamW([("w", p)], eps: value) : Fused.AdamW([("w", p)], lr: value)).Message;
        Assert.Contains(number == "eps" ? "The epsilon of 'w' is 0" : "The learning rate of 'w' is NaN", message, StringComparison.Ordinal);
    }

    private static AdamW.State StateOf(FusedAdamW optimizer) => (AdamW.State)optimizer.state_dict().State[0];
}
