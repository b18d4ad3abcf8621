using Andrea.Clipping;
using TorchSharp.Modules;
using static TorchSharp.torch;
using TorchAdamW = TorchSharp.Modules.AdamW;

namespace Andrea.TorchSharp.Tests;

/// <summary>The fused AdamW against TorchSharp's own.</summary>
public class FusedAdamWTests
{
    // Both round each step in float32, in different places: 30 steps of about lr each.
    private const double Tolerance = 2e-6;

    [Fact]
    public void Step_WithDecayUnusedAndSometimesUsedParameters_IsTorchSharps()
    {
        using var theirs = new SmallModule();
        using var ours = new SmallModule();
        using TorchAdamW expected = optim.AdamW(theirs.parameters(), lr: 1e-3, weight_decay: 0.1);
        using FusedAdamW optimizer = Fused.AdamW(ours.parameters(), lr: 1e-3, weight_decay: 0.1);
        for (int step = 0; step < 30; step++)
        {
            theirs.UseSometimes = ours.UseSometimes = step % 3 != 1;
            double theirLoss = theirs.Backward(step), ourLoss = ours.Backward(step);
            Assert.Equal(theirLoss, ourLoss, 1e-5);
            expected.step();
            optimizer.step();
        }
        Close.Assert(theirs.Values(), ours.Values(), Tolerance, Tolerance);
        AssertStates(expected, optimizer);
        int index = ours.named_parameters().Select(entry => entry.name).ToList().IndexOf("_unused");
        Assert.Equal(new SmallModule().Values()[index], ours.Values()[index]);
        Assert.Equal([0L, 20, 30], Steps(optimizer).Distinct().Order());
    }

    [Fact]
    public void Step_WithMaxNorm_IsClipGradNormThenStep()
    {
        using var theirs = new SmallModule();
        using var ours = new SmallModule();
        using TorchAdamW expected = optim.AdamW(theirs.parameters(), lr: 1e-2);
        using FusedAdamW optimizer = Fused.AdamW(ours.named_parameters(), lr: 1e-2, max_norm: 0.5);
        for (int step = 0; step < 10; step++)
        {
            theirs.Backward(step, 5);
            ours.Backward(step, 5);
            double norm = nn.utils.clip_grad_norm_(theirs.parameters(), 0.5);
            expected.step();
            optimizer.step();
            Assert.Equal(norm, optimizer.Clipper!.Latest.NormBefore, norm * 1e-5);
        }
        Assert.Equal(10, optimizer.Clipper!.Latest.ClippedCalls);
        Close.Assert(theirs.Values(), ours.Values(), 1e-5, 1e-5);
    }

    [Fact]
    public void Step_GroupsOfTheirOwn_AreTorchSharps()
    {
        using var theirs = new SmallModule();
        using var ours = new SmallModule();
        TorchAdamW.ParamGroup[] Groups(SmallModule module) =>
        [
            new(module.parameters().Where(p => p.dim() > 1), lr: 1e-2, weight_decay: 0.3),
            new(module.parameters().Where(p => p.dim() <= 1), new TorchAdamW.Options { beta1 = 0.8, beta2 = 0.95, eps = 1e-6 }),
        ];
        using TorchAdamW expected = optim.AdamW(Groups(theirs), lr: 2e-3, weight_decay: 0.01);
        using FusedAdamW optimizer = Fused.AdamW(Groups(ours), lr: 2e-3, weight_decay: 0.01);
        for (int step = 0; step < 10; step++)
        {
            theirs.Backward(step);
            ours.Backward(step);
            expected.step();
            optimizer.step();
        }
        Close.Assert(theirs.Values(), ours.Values(), 1e-5, 1e-5);
    }

    [Theory]
    [InlineData("step")]
    [InlineData("cosine")]
    [InlineData("one cycle, which turns beta1, too")]
    public void Step_UnderAScheduler_IsTorchSharps(string kind)
    {
        using var theirs = new SmallModule();
        using var ours = new SmallModule();
        using TorchAdamW expected = optim.AdamW(theirs.parameters(), lr: 1e-3);
        using FusedAdamW optimizer = Fused.AdamW(ours.parameters(), lr: 1e-3);
        optim.lr_scheduler.LRScheduler[] schedulers = [.. new optim.Optimizer[] { expected, optimizer }.Select(o => kind switch
        {
            "step" => optim.lr_scheduler.StepLR(o, 3, 0.5),
            "cosine" => optim.lr_scheduler.CosineAnnealingLR(o, 10),
            _ => optim.lr_scheduler.OneCycleLR(o, max_lr: 1e-2, total_steps: 12),
        })];
        for (int step = 0; step < 10; step++)
        {
            theirs.Backward(step);
            ours.Backward(step);
            expected.step();
            optimizer.step();
            foreach (optim.lr_scheduler.LRScheduler scheduler in schedulers)
                scheduler.step();
        }
        Close.Assert(theirs.Values(), ours.Values(), 1e-5, 1e-5);
    }

    [Fact]
    public void Step_ManyChunksAndReusedAddresses_IsTorchSharps()
    {
        using var theirs = new SmallModule(width: 9000);
        using var ours = new SmallModule(width: 9000);
        using TorchAdamW expected = optim.AdamW(theirs.parameters());
        using FusedAdamW optimizer = Fused.AdamW(ours.parameters());
        for (int step = 0; step < 4; step++)
        {
            theirs.Backward(step);
            ours.Backward(step);
            expected.step();
            optimizer.step();
        }
        Close.Assert(theirs.Values(), ours.Values(), 1e-5, 1e-5);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void StateFile_OfOne_IsReadByTheOther(bool oursFirst)
    {
        using var first = new SmallModule();
        using var second = new SmallModule();
        using TorchAdamW writer = oursFirst ? Fused.AdamW(first.parameters(), lr: 1e-2) : optim.AdamW(first.parameters(), lr: 1e-2);
        using TorchAdamW reader = oursFirst ? optim.AdamW(second.parameters()) : Fused.AdamW(second.parameters());
        for (int step = 0; step < 5; step++)
        {
            first.UseSometimes = step != 1;
            first.Backward(step);
            writer.step();
        }
        using var stream = new MemoryStream();
        using (var binary = new BinaryWriter(stream, System.Text.Encoding.UTF8, leaveOpen: true))
            writer.save_state_dict(binary);
        stream.Position = 0;
        using (var binary = new BinaryReader(stream))
            reader.load_state_dict(binary);
        using (no_grad())
            foreach ((Parameter to, Parameter from) in second.parameters().Zip(first.parameters()))
                to.copy_(from);
        Assert.Equal(Steps(writer), Steps(reader));
        for (int step = 5; step < 8; step++)
        {
            first.Backward(step);
            second.Backward(step);
            writer.step();
            reader.step();
        }
        Close.Assert(first.Values(), second.Values(), Tolerance, Tolerance);
        AssertStates(writer, reader);
    }

    [Fact]
    public void LoadStateDict_AnEarlierState_ResumesBitForBit()
    {
        using var module = new SmallModule();
        using FusedAdamW optimizer = Fused.AdamW(module.parameters(), lr: 1e-2);
        for (int step = 0; step < 3; step++)
        {
            module.Backward(step);
            optimizer.step();
        }
        float[][] values = module.Values();
        using var stream = new MemoryStream();
        var writer = new BinaryWriter(stream);
        optimizer.save_state_dict(writer);
        float[][] Continue()
        {
            for (int step = 3; step < 6; step++)
            {
                module.Backward(step);
                optimizer.step();
            }
            return module.Values();
        }
        float[][] expected = Continue();
        stream.Position = 0;
        optimizer.load_state_dict(new BinaryReader(stream));
        using (no_grad())
            foreach ((Parameter parameter, float[] value) in module.parameters().Zip(values))
                parameter.copy_(tensor(value).reshape(parameter.shape));
        Assert.Equal(expected, Continue());
    }

    [Fact]
    public void Step_NaNWithMaxNorm_ChangesNothingAndIsNotCounted()
    {
        using var module = new SmallModule();
        using FusedAdamW optimizer = Fused.AdamW(module.named_parameters(), max_norm: 1);
        module.Backward(0);
        optimizer.step();
        float[][] before = module.Values();
        module.Backward(1);
        module.parameters().First(p => p.grad is not null).grad!.fill_(float.PositiveInfinity);
        optimizer.step();
        Assert.Equal(before, module.Values());
        Assert.Equal(SkipReason.NonFiniteGradients, optimizer.Clipper!.Latest.SkipReason);
        Assert.Equal(1, Steps(optimizer).Max());
    }

    [Fact]
    public void AddParamGroup_OnTheWay_KeepsTheStepsOfTheOthers()
    {
        using var theirs = new SmallModule();
        using var ours = new SmallModule();
        using TorchAdamW expected = optim.AdamW(theirs.parameters().Skip(2));
        using FusedAdamW optimizer = Fused.AdamW(ours.parameters().Skip(2));
        for (int step = 0; step < 6; step++)
        {
            if (step == 3)
            {
                expected.add_param_group(new TorchAdamW.ParamGroup(theirs.parameters().Take(2), lr: 1e-2));
                optimizer.add_param_group(new TorchAdamW.ParamGroup(ours.parameters().Take(2), lr: 1e-2));
            }
            theirs.Backward(step);
            ours.Backward(step);
            expected.step();
            optimizer.step();
        }
        Close.Assert(theirs.Values(), ours.Values(), 1e-5, 1e-5);
        Assert.Equal(Steps(expected), Steps(optimizer));
    }

    [Fact]
    public void Step_WithAClosure_ReturnsItsLoss()
    {
        using var module = new SmallModule();
        using FusedAdamW optimizer = Fused.AdamW(module.parameters());
        float[][] before = module.Values();
        using Tensor? loss = optimizer.step(() => tensor(module.Backward(0)));
        Assert.True(loss!.item<double>() > 0);
        Assert.NotEqual(before, module.Values());
    }

    [Fact]
    public void Step_OverAndOver_LeavesNoTensorsBehind()
    {
        using var module = new SmallModule();
        using FusedAdamW optimizer = Fused.AdamW(module.parameters(), max_norm: 1);
        module.Backward(0);
        optimizer.step();
        long before = Tensor.TotalCount;
        for (int i = 0; i < 10; i++)
            optimizer.step();
        Assert.Equal(before, Tensor.TotalCount);
    }

    private static long[] Steps(TorchAdamW optimizer) => [.. optimizer.state_dict().State.Select(state => ((TorchAdamW.State)state).step)];

    private static void AssertStates(TorchAdamW expected, TorchAdamW actual)
    {
        foreach ((OptimizerState e, OptimizerState a) in expected.state_dict().State.Zip(actual.state_dict().State))
        {
            var (theirs, ours) = ((TorchAdamW.State)e, (TorchAdamW.State)a);
            Assert.Equal(theirs.step, ours.step);
            Close.Assert([theirs.exp_avg.data<float>().ToArray()], [ours.exp_avg.data<float>().ToArray()], 1e-4, 1e-7);
            Close.Assert([theirs.exp_avg_sq.data<float>().ToArray()], [ours.exp_avg_sq.data<float>().ToArray()], 1e-4, 1e-9);
        }
    }
}
