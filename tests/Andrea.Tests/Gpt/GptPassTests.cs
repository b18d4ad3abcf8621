using Andrea.Gpt;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Gpt;

public class GptPassTests
{
    private static readonly GptConfig Config = new() { VocabularySize = 20, ContextLength = 8, ChannelCount = 16, HeadCount = 2, LayerCount = 2 };

    [Fact]
    public void Evaluate_FreshModel_IsCloseToChance()
    {
        using Device device = Device.Cpu(1);
        using var model = new GptModel(device, Config);
        model.Initialize(InitializationKind.Gpt2, seed: 1);
        using var pass = new GptPass(model, 2, 8);
        int[] tokens = [.. Enumerable.Range(0, 16).Select(i => i % 20)];
        pass.Evaluate(tokens, tokens);
        Assert.Equal(Math.Log(20), pass.ReadLoss(), 0.05);
    }

    [Fact]
    public void ForwardBackward_Loss_EqualsEvaluatesLossToTheBit()
    {
        using Device device = Device.Cpu(2);
        using var model = new GptModel(device, Config);
        model.Initialize(InitializationKind.Andrea, seed: 1);
        using var pass = new GptPass(model, 2, 8);
        int[] inputs = [.. Enumerable.Range(0, 16).Select(i => i % 20)], targets = [.. inputs.Select(i => (i + 3) % 20)];
        pass.Evaluate(inputs, targets);
        double evaluated = pass.ReadLoss();
        pass.ResetLoss();
        pass.ForwardBackward(inputs, targets);
        Assert.Equal(evaluated, pass.ReadLoss());
    }

    [Fact]
    public void ForwardBackward_Twice_AccumulatesUntilZeroed()
    {
        using Device device = Device.Cpu(2);
        using var model = new GptModel(device, Config);
        model.Initialize(InitializationKind.Andrea, seed: 1);
        using var pass = new GptPass(model, 2, 8);
        int[] tokens = [.. Enumerable.Range(0, 16).Select(i => i % 20)];
        pass.ForwardBackward(tokens, tokens);
        float[] once = model.Gradients.Flat.ToArray();
        pass.ForwardBackward(tokens, tokens);
        Tolerance.Accumulated.AssertClose("twice", once.Select(g => 2 * g).ToArray(), model.Gradients.Flat.ToArray());
        model.ZeroGradients();
        pass.ForwardBackward(tokens, tokens);
        Assert.Equal(once, model.Gradients.Flat.ToArray());
    }

    [Theory]
    [InlineData("cpu-2", true)]
    [InlineData("cpu-2", false)]
    [InlineData("reference", true)]
    [InlineData("emulator", false)]
    [InlineData("gpu", false)]
    public void Logits_InChunks_AreInNoResult(string name, bool tied)
    {
        using TestDevice test = TestDevice.Open(name);
        GptConfig config = Config with { ContextLength = 400, LayerCount = 1, TiedHead = tied };
        using var model = new GptModel(test.Device, config);
        model.Initialize(InitializationKind.Andrea, seed: 2);
        // 1,200 rows: in chunks of 768 and 432, and of 384, 384, 384 and 48.
        int[] inputs = [.. Enumerable.Range(0, 1200).Select(i => i * 7 % 20)], targets = [.. inputs.Select(i => (i * i + 3) % 20)];
        (double evaluated, double loss, float[] gradients, float[] logits, float[] margins, double[] sums) = Run(LogitChunk.DefaultBudget);
        foreach (long budget in (long[])[800 * 20, 1])
        {
            var chunked = Run(budget);
            Assert.Equal(evaluated, chunked.Evaluated);
            Assert.Equal(loss, chunked.Loss);
            Assert.Equal(logits, chunked.Logits);
            Assert.Equal(margins, chunked.Margins);
            Assert.Equal(sums, chunked.Sums);
            // A GPU sums the rows of a weight gradient in an order of its own.
            if (name.StartsWith("cpu", StringComparison.Ordinal))
                Assert.Equal(gradients, chunked.Gradients);
            else
                Tolerance.Accumulated.AssertClose("gradients", gradients, chunked.Gradients);
        }

        (double Evaluated, double Loss, float[] Gradients, float[] Logits, float[] Margins, double[] Sums) Run(long budget)
        {
            using var pass = new GptPass(model, 3, 400, budget);
            pass.Evaluate(inputs, targets);
            double evaluated = pass.ReadLoss();
            pass.ResetLoss();
            pass.Forward(inputs);
            float[] logits = pass.Logits.ToArray();
            Assert.Equal(3, pass.Logits.Shape.Rank);
            DeviceBuffer<float> margins = test.Buffer<float>(1200);
            DeviceBuffer<double> sums = test.Buffer<double>(1200);
            model.ZeroGradients();
            pass.MeasureNext(margins, sums);
            pass.ForwardBackward(inputs, targets);
            var (marginsRead, sumsRead) = (new float[1200], new double[1200]);
            margins.CopyTo(marginsRead);
            sums.CopyTo(sumsRead);
            return (evaluated, pass.ReadLoss(), model.Gradients.Flat.ToArray(), logits, marginsRead, sumsRead);
        }
    }

    [Fact]
    public void Step_InChunks_AllocatesNothingAlsoWhenItMeasures()
    {
        using TestDevice test = TestDevice.Open("cpu-1");
        GptConfig config = Config with { ContextLength = 400, LayerCount = 1, TiedHead = false };
        using var model = new GptModel(test.Device, config);
        var pass = new GptPass(model, 2, 400, logitBudget: 1);
        int[] tokens = [.. Enumerable.Range(0, 800).Select(i => i % 20)];
        DeviceBuffer<float> margins = test.Buffer<float>(800);
        DeviceBuffer<double> sums = test.Buffer<double>(800);
        Andrea.Tests.Cpu.Allocations.AssertNone(() =>
        {
            pass.ForwardBackward(tokens, tokens);
            pass.MeasureNext(margins, sums);
            pass.ForwardBackward(tokens, tokens);
        });
        pass.Dispose();
        Assert.Throws<ObjectDisposedException>(() => pass.Logits);
    }

    [Fact]
    public void Logits_OfALargeVocabulary_AreInFewEvenChunks()
    {
        // What the weight gradient's bits rest on.
        Assert.Equal(0, LogitChunk.RowMultiple % Andrea.Cpu.MatMul.Blocking.BlockDepth);
        Assert.Equal(1000, LogitChunk.RowsFor(1000, 50, 50_000));
        Assert.Equal(768, LogitChunk.RowsFor(1001, 50, 50_000));
        // Four blocks of rows, three to a chunk at most.
        Assert.Equal(768, LogitChunk.RowsFor(4 * 384, 50, 3 * 384 * 50));
        // Not less than one block, however small the budget.
        Assert.Equal(384, LogitChunk.RowsFor(4096, 50_257, 1));
        Assert.Equal(1152, LogitChunk.RowsFor(4096, 50_257, LogitChunk.DefaultBudget));
        Assert.Equal(3072, LogitChunk.RowsFor(8192, 16_641, LogitChunk.DefaultBudget));
    }

    [Fact]
    public void Forward_WrongTokens_AreRefusedWithTheirPlace()
    {
        using Device device = Device.Cpu(1);
        using var model = new GptModel(device, Config);
        using var pass = new GptPass(model, 1, 4);
        Assert.Contains("Token 2 is 20", Assert.Throws<ArgumentException>(() => pass.Forward([1, 2, 20, 3])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => pass.Forward([1, -1, 0, 3]));
        Assert.Contains("3 tokens", Assert.Throws<ArgumentException>(() => pass.Forward([1, 2, 3])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_LongerThanTheContext_IsRefused()
    {
        using Device device = Device.Cpu(1);
        using var model = new GptModel(device, Config);
        Assert.Contains("1 to 8", Assert.Throws<ArgumentOutOfRangeException>(() => new GptPass(model, 1, 9)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new GptPass(model, 0, 8));
    }
}
