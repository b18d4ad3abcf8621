using Andrea.Gpt;
using Andrea.Tests.Support;

namespace Andrea.Tests.Gpt;

public class InitializationTests
{
    private static readonly GptConfig Config = new()
    {
        VocabularySize = 300,
        ContextLength = 64,
        ChannelCount = 64,
        HeadCount = 4,
        LayerCount = 8,
        Biases = true,
    };

    [Theory]
    [InlineData(InitializationKind.Gpt2, "wte", 0.02)]
    [InlineData(InitializationKind.Gpt2, "h.3.mlp.c_fc.weight", 0.02)]
    [InlineData(InitializationKind.Gpt2, "h.3.mlp.c_proj.weight", 0.005)]
    [InlineData(InitializationKind.Gpt2, "h.0.attn.c_proj.weight", 0.005)]
    [InlineData(InitializationKind.Andrea, "wte", 0.125)]
    [InlineData(InitializationKind.Andrea, "h.1.attn.c_attn.weight", 0.125)]
    [InlineData(InitializationKind.Andrea, "h.1.mlp.c_proj.weight", 0.0625)]
    [InlineData(InitializationKind.Xavier, "wpe", 0.02)]
    [InlineData(InitializationKind.Xavier, "h.1.attn.c_attn.weight", 0.08838834764831845)]
    [InlineData(InitializationKind.He, "h.1.mlp.c_fc.weight", 0.17677669529663687)]
    public void Fill_Matrices_HaveTheStatedDeviation(InitializationKind kind, string name, double deviation)
    {
        using Device device = Device.Cpu(1);
        using var model = new GptModel(device, Config);
        model.Initialize(kind, seed: 3);
        float[] values = model.Parameters[name].ToArray();
        Assert.Equal(0, values.Average(), deviation * 0.06);
        Assert.Equal(deviation, Math.Sqrt(values.Average(value => (double)value * value)), deviation * 0.04);
    }

    [Fact]
    public void Fill_TruncatedNormal_StaysWithinTwoDeviations()
    {
        using Device device = Device.Cpu(1);
        using var model = new GptModel(device, Config);
        model.Initialize(InitializationKind.TruncatedNormal, seed: 3);
        float[] values = model.Parameters["wte"].ToArray();
        Assert.InRange(values.Max(), 0.039f, 0.04f);
        Assert.InRange(values.Min(), -0.04f, -0.039f);
    }

    [Fact]
    public void Fill_Xavier_IsUniform()
    {
        using Device device = Device.Cpu(1);
        using var model = new GptModel(device, Config);
        model.Initialize(InitializationKind.Xavier, seed: 3);
        double width = Math.Sqrt(6.0 / (64 + 256));
        float[] values = model.Parameters["h.0.mlp.c_fc.weight"].ToArray();
        Assert.InRange(values.Max(), (float)(width * 0.999), (float)width);
        Assert.Equal(0.25, values.Count(value => value > width / 2) / (double)values.Length, 0.02);
    }

    [Theory]
    [InlineData(InitializationKind.Gpt2)]
    [InlineData(InitializationKind.He)]
    public void Fill_NormsAreOneAndBiasesZero(InitializationKind kind)
    {
        using Device device = Device.Cpu(1);
        using var model = new GptModel(device, Config);
        model.Initialize(kind, seed: 3);
        Assert.All(model.Parameters["h.7.ln_2.weight"].ToArray(), value => Assert.Equal(1f, value));
        Assert.All(model.Parameters["h.7.ln_2.bias"].ToArray(), value => Assert.Equal(0f, value));
        Assert.All(model.Parameters["h.7.mlp.c_fc.bias"].ToArray(), value => Assert.Equal(0f, value));
    }

    [Fact]
    public void Fill_SameSeed_HasTheBitsItAlwaysHad()
    {
        using Device device = Device.Cpu(1);
        using var model = new GptModel(device, Config);
        model.Initialize(InitializationKind.Gpt2, seed: 1);
        string first = BitDigest.Of(model.Parameters.Flat);
        model.Initialize(InitializationKind.Gpt2, seed: 2);
        Assert.NotEqual(first, BitDigest.Of(model.Parameters.Flat));
        // Recorded once: the same on every machine, in every version.
        Assert.Equal("6A98AEB1418DB759", first);
    }
}
