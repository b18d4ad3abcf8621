using Andrea.Clipping;
using Andrea.Clipping.Policies;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Clipping.Policies;

/// <summary>Every policy has the same bits on every device, by itself and folded into AdamW, whose later steps are one recorded graph on a GPU.</summary>
public class ClipPolicyParityTests
{
    public static TheoryData<string, string> Cases
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (string device in (string[])["cpu-1", "cpu-3", TestDevice.Emulator, TestDevice.Gpu])
                foreach (string kind in ClipPolicy.Kinds)
                    data.Add(device, kind);
            return data;
        }
    }

    private static readonly TensorShape[] Shapes =
    [
        new(7, 33), new(1), new(0), new(5), new(3, 8200), new(65_537), new(2, 3, 5), new(257, 1), new(40, 4), new(1, 64), .. Enumerable.Repeat(new TensorShape(2), 40),
    ];

    [Theory, MemberData(nameof(Cases))]
    public void Steps_OfEveryPolicy_HaveTheBitsOfTheReference(string name, string kind)
    {
        using TestDevice device = TestDevice.Open(name);
        foreach (int offset in (int[])[0, 3])
            foreach (bool withOptimizer in (bool[])[false, true])
            {
                string[] expected = RunOf("reference", kind, withOptimizer, offset), actual = Run(device, kind, withOptimizer, offset);
                for (int step = 0; step < expected.Length; step++)
                    Assert.True(expected[step] == actual[step], $"{kind} on {name} differs from the reference in step {step} (optimizer: {withOptimizer}).");
            }
    }

    [Theory]
    [InlineData("per-tensor")]
    [InlineData("zclip")]
    [InlineData("adagc")]
    public void Step_FoldedIntoAdamW_EqualsClipThenStep(string kind)
    {
        using TestDevice device = TestDevice.Open("cpu-2");
        TensorShape[] shapes = [new(300), new(7), new(20, 20)];
        using var folded = new PolicyRun(device, Options(kind), shapes, withOptimizer: true);
        using var clipped = new PolicyRun(device, Options(kind), shapes);
        using var plain = new PolicyRun(device, new GradClipperOptions { MaxNorm = double.PositiveInfinity }, shapes, withOptimizer: true);
        for (ulong t = 0; t < 8; t++)
        {
            float[][] gradients = Gradients(shapes, t);
            ClipResult a = folded.Step(gradients), b = clipped.Step(gradients);
            plain.Step(clipped.Gradients);
            Assert.Equal(a, b);
            Assert.Equal(folded.Parameters, plain.Parameters);
        }
        Assert.True(folded.Clipper.Read().ClippedCalls > 0);
    }

    [Theory, MemberData(nameof(Cases))]
    public void StepsAgain_AllocateNothing(string name, string kind)
    {
        // The emulator allocates, so its host does, too.
        Assert.SkipWhen(name is TestDevice.Emulator or TestDevice.Gpu, "Counted on the CPU; GPU launches are counted by GradientKernelTests.");
        using TestDevice device = TestDevice.Open(name);
        using var run = new PolicyRun(device, Options(kind), [new(30, 10), new(7)], withOptimizer: true);
        run.Step(TestDevice.Normal(1, 300), TestDevice.Normal(2, 7));
        Andrea.Tests.Cpu.Allocations.AssertNone(run.StepAgain);
    }

    private static string[] RunOf(string name, string kind, bool withOptimizer, int offset)
    {
        using TestDevice device = TestDevice.Open(name);
        return Run(device, kind, withOptimizer, offset);
    }

    private static string[] Run(TestDevice device, string kind, bool withOptimizer, int offset)
    {
        using var run = new PolicyRun(device, Options(kind), Shapes, withOptimizer, offset);
        var words = new string[6];
        for (int t = 0; t < words.Length; t++)
        {
            float[][] gradients = Gradients(Shapes, (ulong)t);
            if (t == 4)
                gradients[4][9000] = float.NaN;
            if (t == 3)
                gradients[6][20] = 1e20f;
            run.Step(gradients);
            words[t] = run.Everything();
        }
        Assert.Equal(1, run.Clipper.Read().SkippedCalls);
        return words;
    }

    private static float[][] Gradients(TensorShape[] shapes, ulong step) =>
        [.. shapes.Select((shape, i) => TestDevice.Normal(step * 100 + (ulong)i, shape.Length, step == 5 ? 2 : 0.3))];

    private static GradClipperOptions Options(string kind) => new()
    {
        MaxNorm = 3,
        Policy = kind switch
        {
            "zclip" => new ZClipPolicy { WarmupSteps = 3, Threshold = 0.5 },
            "adagc" => new AdaGcPolicy { WarmupSteps = 2 },
            "value" => new ValuePolicy { Limit = 0.7 },
            _ => ClipPolicy.Create(kind),
        },
    };
}
