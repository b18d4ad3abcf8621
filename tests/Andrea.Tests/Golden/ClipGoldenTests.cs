using Andrea.Clipping;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Golden;

public class ClipGoldenTests
{
    private const string FileName = "clip.json";

    public static MatrixTheoryData<string, string> Cases => GoldenFile.OnEveryDevice(FileName);

    /// <summary>Without the gradients whose squares PyTorch's float32 norm cannot hold.</summary>
    public static MatrixTheoryData<string, string> TorchCases => GoldenFile.OnEveryDevice(FileName, golden => golden.Flag("torchMeasures"));

    /// <summary>Norm and gradients against sums that are exact until their one rounding to double.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void Clip_ExactFormula_IsTheTrueResult(string deviceName, string caseName)
    {
        GoldenCase golden = GoldenFile.Load(FileName)[caseName];
        double norm = golden.Number("norm");
        using Run run = Run.Clip(deviceName, golden, ClipFormula.Exact);

        Assert.Equal(norm, run.Result.NormBefore, norm * 1e-14);
        Assert.Equal(golden.Number("coefficient"), run.Result.Coefficient, golden.Number("coefficient") * 1e-14);
        double[] tensorNorms = golden.Series("tensorNorms");
        for (int i = 0; i < tensorNorms.Length; i++)
        {
            Assert.Equal(tensorNorms[i], run.TensorNorms[i], tensorNorms[i] * 1e-14);
            // The product is rounded to float32 once, in Python and here: a last bit may differ where the coefficients do.
            golden.AssertClose($"exact.{i}", Tolerance.OneRounding, run.Gradients[i]);
            if (golden.Number("coefficient") == 1)
                golden.AssertSameBits($"exact.{i}", run.Gradients[i]);
        }
    }

    /// <summary>clip_grad_norm_ in float32, bit for bit where it finds the norm that ours rounds to. Its sum of squares is rounded on the
    /// way, ours is not: as far as the norms differ, so may the gradients.</summary>
    [Theory]
    [MemberData(nameof(TorchCases))]
    public void Clip_TorchFormula_IsPyTorchs(string deviceName, string caseName)
    {
        GoldenCase golden = GoldenFile.Load(FileName)[caseName];
        using Run run = Run.Clip(deviceName, golden, ClipFormula.Torch);
        double stray = Math.Abs(golden.Number("torchNorm") / run.Result.NormBefore - 1);
        // Beside the norms, the coefficients and then the products are rounded on both sides.
        double relative = stray + 4 * Tolerance.OneRounding.Relative;

        Assert.InRange(stray, 0, 2e-6);
        for (int i = 0; i < golden.Integer("tensors"); i++)
        {
            if (golden.Flag("torchNormIsRounded"))
                golden.AssertSameBits($"torch.{i}", run.Gradients[i]);
            else
                golden.AssertClose($"torch.{i}", new Tolerance(double.Epsilon, relative, relative * relative), run.Gradients[i]);
        }
    }

    [Fact]
    public void Clip_ThreeAndFourAtMaximumFive_ExactLeavesThemTorchDoesNot()
    {
        GoldenCase golden = GoldenFile.Load(FileName)["3 and 4, maximum 5"];
        using Run exact = Run.Clip("cpu-1", golden, ClipFormula.Exact), torch = Run.Clip("cpu-1", golden, ClipFormula.Torch);
        Assert.Equal([3f], exact.Gradients[0]);
        Assert.Equal([0f, 4f], exact.Gradients[1]);
        Assert.True(torch.Gradients[1][1] < 4f);
    }

    private sealed class Run : IDisposable
    {
        private readonly TestDevice _device;
        private readonly ParameterArena _arena;

        private Run(TestDevice device, ParameterArena arena, GradClipper clipper)
        {
            (_device, _arena) = (device, arena);
            Result = clipper.Read();
            TensorNorms = new double[arena.Count];
            clipper.ReadTensorNorms(TensorNorms);
            Gradients = [.. Enumerable.Range(0, arena.Count).Select(i => arena[i].ToArray())];
        }

        public ClipResult Result { get; }

        public double[] TensorNorms { get; }

        public float[][] Gradients { get; }

        public static Run Clip(string deviceName, GoldenCase golden, ClipFormula formula)
        {
            var device = TestDevice.Open(deviceName);
            float[][] gradients = [.. Enumerable.Range(0, golden.Integer("tensors")).Select(i => Gradient(golden, $"g.{i}"))];
            var layout = new ParameterLayout();
            for (int i = 0; i < gradients.Length; i++)
                layout.Add($"g.{i}", new TensorShape(gradients[i].Length));
            var arena = new ParameterArena(device.Device, layout);
            for (int i = 0; i < gradients.Length; i++)
                arena[i].CopyFrom(gradients[i]);
            var options = new GradClipperOptions { MaxNorm = golden.Number("maxNorm"), Formula = formula };
            using var clipper = new GradClipper(device.Device, arena, options);
            clipper.Clip();
            return new Run(device, arena, clipper);
        }

        public void Dispose()
        {
            _arena.Dispose();
            _device.Dispose();
        }

        private static float[] Gradient(GoldenCase golden, string name) =>
            golden.HasIntegers(name) ? [.. golden.Integers(name).Select(value => (float)value)] : golden.Input(name);
    }
}
