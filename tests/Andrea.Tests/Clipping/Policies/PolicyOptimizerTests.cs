using Andrea.Clipping;
using Andrea.Clipping.Policies;
using Andrea.Optim;
using Andrea.Tensors;
using Andrea.Tests.Cuda;
using Andrea.Tests.Support;

namespace Andrea.Tests.Clipping.Policies;

/// <summary>Policies with the optimizers: gradients that come and go, and what is launched on a GPU.</summary>
public class PolicyOptimizerTests
{
    private static readonly TensorShape[] Shapes = [new(20, 35), new(3), new(1)];

    /// <summary>All policies with what they launch between the norm and AdamW.</summary>
    public static TheoryData<string, string> Launches => new()
    {
        { "global", "" }, { "per-tensor", "k_clip_per_tensor" }, { "value", "k_grad_clamp k_clip_parts_final" },
        { "agc", "k_grad_agc k_clip_parts_final" }, { "zclip", "k_clip_zclip" }, { "adagc", "k_clip_adagc" },
    };

    [Theory, MemberData(nameof(Launches))]
    public void Step_OnAGpu_LaunchesNoMoreThanThisAndWaitsForNothing(string kind, string launches)
    {
        var driver = new FakeDriver();
        using Device device = CudaDevices.Open(driver);
        nint memory = driver.AllocateMemory(4096);
        ExternalTensors Set(int place) => new ExternalTensors().Add("a", memory + place * 1024, 12, new TensorShape(3, 4)).Add("b", memory + place * 1024 + 512, 10);
        using ExternalTensors p = Set(0), g = Set(1);
        using var clipper = new GradClipper(device, g, new GradClipperOptions { Policy = ClipPolicy.Create(kind) });
        using var optimizer = new AdamW(device, p, g, new AdamWOptions { UseGraph = false }, clipper);
        for (int i = 0; i < 40; i++)
            optimizer.Step(0.01);
        driver.Calls.Clear();
        optimizer.Step(0.01);
        Assert.Equal(
            ["k_grad_norm_partial", "k_grad_norm_final", .. launches.Split(' ', StringSplitOptions.RemoveEmptyEntries), "k_adamw"],
            driver.Calls.Select(call => call.Split('<', '(')[0]).Where(call => call.StartsWith("k_", StringComparison.Ordinal)));
        Assert.DoesNotContain(driver.Calls, call => call.StartsWith("Synchronize", StringComparison.Ordinal));
        driver.IsQuiet = true;
        Cpu.Allocations.AssertNone(() => optimizer.Step(0.01));
        driver.FreeMemory(memory);
    }

    [Theory]
    [InlineData("reference")]
    [InlineData("cpu-2")]
    [InlineData(TestDevice.Emulator)]
    [InlineData(TestDevice.Gpu)]
    public void ExternalAdamW_GradientsComeAndGo_EachTensorIsClippedAsIfAlone(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        bool[][] presence = [[true, false, true, true], [false, true, false, true], [true, true, false, true]];
        foreach (string kind in (string[])["per-tensor", "agc", "value"])
        {
            var options = new GradClipperOptions { MaxNorm = 0.5, Policy = kind == "value" ? new ValuePolicy { Limit = 0.3 } : ClipPolicy.Create(kind) };
            float[][] together = Run(device, options, presence, [0, 1, 2]);
            for (int tensor = 0; tensor < 3; tensor++)
                Assert.Equal(Run(device, options, presence, [tensor])[0], together[tensor]);
        }
    }

    /// <summary>The parameters after the steps.</summary>
    private static float[][] Run(TestDevice device, GradClipperOptions options, bool[][] presence, int[] chosen)
    {
        Tensor[][] sets = [.. Enumerable.Range(0, 4).Select(set =>
            chosen.Select(i => device.Tensor(set < 2 ? TestDevice.Normal((ulong)(10 * set + i), Shapes[i].Length) : new float[Shapes[i].Length])).ToArray())];
        ExternalTensors[] externals = [.. sets.Select(_ => new ExternalTensors())];
        for (int set = 0; set < 4; set++)
            for (int i = 0; i < chosen.Length; i++)
                externals[set].Add($"t{chosen[i]}", sets[set][i].Address, sets[set][i].Length, Shapes[chosen[i]]);
        using var clipper = new GradClipper(device.Device, externals[1], options);
        using var optimizer = new ExternalAdamW(device.Device, externals[0], externals[1], externals[2], externals[3], clipper);
        for (int i = 0; i < chosen.Length; i++)
            optimizer.Configure(i, new AdamWTensorOptions(0.01, WeightDecay: 0.1));
        for (int step = 0; step < presence[0].Length; step++)
        {
            for (int i = 0; i < chosen.Length; i++)
            {
                sets[1][i].CopyFrom(TestDevice.Normal((ulong)(100 * step + chosen[i]), sets[1][i].Length));
                externals[1].Move(i, presence[chosen[i]][step] ? sets[1][i].Address : 0);
            }
            optimizer.Step();
            // What was there before it went away is not the optimizer's any more.
            for (int i = 0; i < chosen.Length; i++)
                if (!presence[chosen[i]][step])
                    Assert.Equal(TestDevice.Normal((ulong)(100 * step + chosen[i]), sets[1][i].Length), sets[1][i].ToArray());
        }
        return [.. sets[0].Select(tensor => tensor.ToArray())];
    }
}
