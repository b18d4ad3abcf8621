using Andrea.Clipping;
using Andrea.Clipping.Policies;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Clipping.Policies;

/// <summary>Each policy does what its paper says, computed here in double straight from the description.</summary>
public class PolicyFormulaTests
{
    public static TheoryData<string> Devices => ["reference", "cpu-2", TestDevice.Emulator, TestDevice.Gpu];

    [Theory, MemberData(nameof(Devices))]
    public void PerTensor_OneAboveOneBelow_ScalesTheOneOnly(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        using var run = new PolicyRun(device, new GradClipperOptions { MaxNorm = 2, Policy = new PerTensorPolicy() }, PolicyRun.Vectors(2, 2, 1));
        ClipResult result = run.Step([3, 4], [0.6f, 0.8f], [0]);
        Assert.Equal([1.2f, 1.6f, 0.6f, 0.8f, 0f], run.Gradients.SelectMany(values => values));
        Assert.Equal([0.4, 1, 1], run.Norms.Select(norm => norm.Coefficient));
        Assert.Equal(Math.Sqrt(26), result.NormBefore, 6);
        // The second tensor's elements are floats, so its norm is 1 up to their rounding.
        Assert.Equal(Math.Sqrt(5), result.NormAfter, 6);
        Assert.Equal(result.NormAfter / result.NormBefore, result.Coefficient, 15);
        Assert.Equal((true, 1L), (result.Clipped, result.ClippedCalls));

        // Whichever it is.
        Assert.Equal((true, 2L), (run.Step([0.6f, 0.8f], [3, 4], [0]).Clipped, run.Clipper.Read().ClippedCalls));
        Assert.Equal([0.6f, 0.8f, 1.2f, 1.6f, 0f], run.Gradients.SelectMany(values => values));

        // Twice is once.
        uint[] before = Bits(run.Gradients);
        run.StepAgain();
        Assert.Equal((1.0, 2L), (run.Clipper.Read().Coefficient, run.Clipper.Read().ClippedCalls));
        Assert.Equal(before, Bits(run.Gradients));
    }

    [Theory, MemberData(nameof(Devices))]
    public void PerTensor_OneTensor_IsTheGlobalNorm(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        foreach (ClipFormula formula in Enum.GetValues<ClipFormula>())
        {
            var options = new GradClipperOptions { Formula = formula, MaxNorm = 0.5 };
            using var global = new PolicyRun(device, options, PolicyRun.Vectors(1000));
            using var perTensor = new PolicyRun(device, options with { Policy = new PerTensorPolicy() }, PolicyRun.Vectors(1000));
            float[] gradients = TestDevice.Normal(1, 1000);
            global.Step(gradients);
            perTensor.Step(gradients);
            Assert.Equal(Bits(global.Gradients), Bits(perTensor.Gradients));
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void Agc_ChangeThatNoNormCanShow_SaysThatItClipped(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        foreach (TensorShape[] shapes in (TensorShape[][])[[new(2, 2)], [new(2), new(2)]])
        {
            using var run = new PolicyRun(device, new GradClipperOptions { Policy = new AgcPolicy() }, shapes);
            // A row, or a tensor, that is left alone beside one that is clipped from 1 to 0.01, which is less than the norm's rounding.
            float[][] Split(params float[] values) => [.. values.Chunk(4 / shapes.Length)];
            run.WriteParameters(Split(1e13f, 0, 1, 0));
            ClipResult result = run.Step(Split(1e10f, 0, 1, 0));
            Assert.Equal([1e10f, 0, 0.01f, 0], run.Gradients.SelectMany(values => values));
            Assert.Equal(1e10, result.NormBefore);
            Assert.Equal((true, 1L), (result.Clipped, result.ClippedCalls));
            Assert.InRange(result.Coefficient, 1 - 1e-15, Math.BitDecrement(1));
            Assert.InRange(result.NormAfter, 1e10 - 1e-5, Math.BitDecrement(1e10));
            Assert.True(run.Norms[^1].NormAfter < run.Norms[^1].Norm);
        }
    }

    [Theory, MemberData(nameof(Devices))]
    public void PerTensor_ZerosWhenNothingMayStay_AreClippedTo0(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        var options = new GradClipperOptions { MaxNorm = 0, Formula = ClipFormula.Torch, Policy = new PerTensorPolicy() };
        using var run = new PolicyRun(device, options, PolicyRun.Vectors(2));
        ClipResult result = run.Step([0, 0]);
        Assert.Equal((0.0, 0.0, true), (result.Coefficient, result.NormAfter, result.Clipped));
    }

    [Theory, MemberData(nameof(Devices))]
    public void Value_ElementsAbove_AreLimitedAndMeasuredAnew(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        using var run = new PolicyRun(device, new GradClipperOptions { MaxNorm = 0.01, Policy = new ValuePolicy { Limit = 0.5 } }, PolicyRun.Vectors(4, 2));
        ClipResult result = run.Step([0.5f, -0.75f, 0.25f, 3], [-0.5f, 0]);
        Assert.Equal([0.5f, -0.5f, 0.25f, 0.5f, -0.5f, 0f], run.Gradients.SelectMany(values => values));
        Assert.Equal(Math.Sqrt(0.25 + 0.5625 + 0.0625 + 9 + 0.25), result.NormBefore, 15);
        Assert.Equal(Math.Sqrt(0.25 * 4 + 0.0625), result.NormAfter, 15);
        Assert.Equal([1.0, 1], run.Norms.Select(norm => norm.Coefficient));
        Assert.Equal([Math.Sqrt(0.8125), 0.5], run.Norms.Select(norm => norm.NormAfter));
        Assert.Equal(1, result.ClippedCalls);
        run.StepAgain();
        Assert.Equal((1.0, 1L), (run.Clipper.Read().Coefficient, run.Clipper.Read().ClippedCalls));
        Assert.False(run.Step([0.5f, 0.5f, 0, -0.5f], [0, 0]).Clipped);
    }

    [Theory, MemberData(nameof(Devices))]
    public void Value_NonFinitePropagated_IsWhatPyTorchMakesOfIt(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        var options = new GradClipperOptions { NonFinite = NonFinitePolicy.Propagate, Policy = new ValuePolicy { Limit = 2 } };
        using var run = new PolicyRun(device, options, PolicyRun.Vectors(3, 2));
        ClipResult result = run.Step([float.PositiveInfinity, 1, float.NegativeInfinity], [1, 5]);
        Assert.Equal([2f, 1f, -2f, 1f, 2f], run.Gradients.SelectMany(values => values));
        Assert.Equal((double.PositiveInfinity, Math.Sqrt(14)), (result.NormBefore, result.NormAfter));
        run.Step([float.NaN, 1, 3], [1, 5]);
        Assert.Equal([float.NaN, 1f, 2f, 1f, 2f], run.Gradients.SelectMany(values => values));
        Assert.True(double.IsNaN(run.Clipper.Read().NormAfter));
    }

    /// <summary>Numbers from a program of its own, after arXiv:2102.06171 and the authors' code.</summary>
    [Theory, MemberData(nameof(Devices))]
    public void Agc_Rows_AreScaledByTheirOwnParameters(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        using var run = new PolicyRun(device, new GradClipperOptions { Policy = new AgcPolicy() }, [new TensorShape(3, 3), new TensorShape(2), new TensorShape(1, 2)]);
        run.WriteParameters([0.5f, -1, 2, 1e-5f, 0, 2e-5f, 3, 4, 0], [3, 4], [30, 40]);
        ClipResult result = run.Step([0.1f, -0.2f, 0.05f, 1, 2, -2, 0.02f, -0.01f, 0.02f], [0.6f, 0.8f], [0.3f, 0.4f]);
        float[] expected =
        [
            0.01f, -0.02f, 0.005f, 3.3333333249174757e-06f, 6.666666649834951e-06f, -6.666666649834951e-06f, 0.02f, -0.01f, 0.02f,
            0.030000001f, 0.04f, 0.3f, 0.4f,
        ];
        Assert.Equal(expected, run.Gradients.SelectMany(values => values), (a, b) => Math.Abs(a - b) <= Math.Abs(a) * 1.2e-7f);
        Assert.Equal(0.03774917296798521, run.Norms[0].NormAfter, 1e-9);
        Assert.Equal([0.02f, -0.01f, 0.02f, 0.3f, 0.4f], run.Gradients[0][6..].Concat(run.Gradients[2]));
        Assert.Equal(run.Gradients.Sum(values => values.Sum(value => (double)value * value)), result.NormAfter * result.NormAfter, 1e-8);
        Assert.Equal([1.0, 1, 1], run.Norms.Select(norm => norm.Coefficient));
        uint[] before = Bits(run.Gradients);
        run.StepAgain();
        Assert.Equal(before, Bits(run.Gradients));
        Assert.Equal((1.0, 1L), (run.Clipper.Read().Coefficient, run.Clipper.Read().ClippedCalls));
    }

    [Theory, MemberData(nameof(Devices))]
    public void Agc_Excluded_KeepEveryBit(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        TensorShape[] shapes = [new TensorShape(4, 70), new TensorShape(3, 50), new TensorShape(60)];
        float[][] gradients = [.. shapes.Select((shape, i) => TestDevice.Normal((ulong)i, shape.Length, 10))];
        using var run = new PolicyRun(device, new GradClipperOptions { Policy = new AgcPolicy { Exclude = ["t0", "*2"] } }, shapes);
        ClipResult result = run.Step(gradients);
        Assert.Equal(Bits([gradients[0], gradients[2]]), Bits([run.Gradients[0], run.Gradients[2]]));
        Assert.NotEqual(Bits([gradients[1]]), Bits([run.Gradients[1]]));
        Assert.Equal(run.Norms[0].Norm, run.Norms[0].NormAfter);
        Assert.True(result.NormAfter < result.NormBefore);
        using var all = new PolicyRun(device, new GradClipperOptions { Policy = new AgcPolicy { Exclude = ["*"] } }, shapes);
        Assert.False(all.Step(gradients).Clipped);
    }

    [Theory, MemberData(nameof(Devices))]
    public void Agc_RowsAcrossStripsAndChunks_HaveTheNormsOfAPlainSum(string name)
    {
        using TestDevice device = TestDevice.Open(name);
        TensorShape[] shapes = [new TensorShape(3, 30_001), new TensorShape(9_001)];
        float[][] gradients = [.. shapes.Select((shape, i) => TestDevice.Normal((ulong)i, shape.Length))];
        using var run = new PolicyRun(device, new GradClipperOptions { Policy = new AgcPolicy() }, shapes, offset: 1);
        float[][] parameters = run.Parameters;
        run.Step(gradients);
        for (int t = 0; t < shapes.Length; t++)
            foreach (float[][] unit in Units(shapes[t], run.Gradients[t], gradients[t], parameters[t]))
            {
                double limit = 0.01 * Norm(unit[2]), norm = Norm(unit[1]);
                Assert.Equal(limit, Norm(unit[0]), limit * 1e-6);
                Assert.Equal(unit[1][7] * (limit / norm), unit[0][7], Math.Abs(unit[0][7]) * 1e-6);
            }
    }

    [Fact]
    public void Agc_WithoutParameters_SaysWhatToDo()
    {
        using Device device = Device.Cpu(1);
        using var gradients = new ExternalTensors().Add("w", new float[4]);
        using var clipper = new GradClipper(device, gradients, new GradClipperOptions { Policy = new AgcPolicy() });
        Assert.Contains("parameters", Assert.Throws<InvalidOperationException>(clipper.Clip).Message, StringComparison.Ordinal);
        using var others = new ExternalTensors().Add("w", new float[5]);
        Assert.Throws<ArgumentException>(() => new GradClipper(device, gradients, new GradClipperOptions { Policy = new AgcPolicy() }, others));
    }

    private static IEnumerable<float[][]> Units(TensorShape shape, params float[][] tensors)
    {
        int units = shape.Rank == 1 ? 1 : (int)shape[0], length = (int)shape.Length / units;
        return Enumerable.Range(0, units).Select(unit => tensors.Select(values => values[(unit * length)..((unit + 1) * length)]).ToArray());
    }

    private static double Norm(float[] values) => Math.Sqrt(values.Sum(value => (double)value * value));

    private static uint[] Bits(float[][] tensors) => [.. tensors.SelectMany(values => values).Select(BitConverter.SingleToUInt32Bits)];
}
