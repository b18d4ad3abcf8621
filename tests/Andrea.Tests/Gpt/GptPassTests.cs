using Andrea.Gpt;

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
        Support.Tolerance.Accumulated.AssertClose("twice", once.Select(g => 2 * g).ToArray(), model.Gradients.Flat.ToArray());
        model.ZeroGradients();
        pass.ForwardBackward(tokens, tokens);
        Assert.Equal(once, model.Gradients.Flat.ToArray());
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
