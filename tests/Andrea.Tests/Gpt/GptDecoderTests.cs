using Andrea.Gpt;
using Andrea.Tests.Support;

namespace Andrea.Tests.Gpt;

public class GptDecoderTests
{
    private static readonly GptConfig Config = new()
    {
        VocabularySize = 29,
        ContextLength = 12,
        ChannelCount = 24,
        HeadCount = 3,
        LayerCount = 2,
    };

    public static TheoryData<GptConfig> Configs =>
    [
        Config,
        Config with { TiedHead = true, Biases = true },
        Config with { Norm = NormKind.RmsNorm, Activation = ActivationKind.Relu },
    ];

    [Theory, MemberData(nameof(Configs))]
    public void Accept_TokenByToken_AgreesWithAPassOverTheWhole(GptConfig config)
    {
        foreach (string name in new[] { "reference", "cpu-2", TestDevice.Emulator })
        {
            using TestDevice test = TestDevice.Open(name);
            using var model = new GptModel(test.Device, config);
            model.Initialize(InitializationKind.Andrea, seed: 4);
            int[] tokens = [.. Enumerable.Range(0, 12).Select(i => i * 7 % 29)];
            using var pass = new GptPass(model, 1, 12);
            pass.Forward(tokens);
            float[] expected = pass.Logits.ToArray();
            using var decoder = new GptDecoder(model);
            for (int t = 0; t < 12; t++)
                Tolerance.Chained.AssertClose($"logits at {t}", expected.AsSpan(t * 29, 29), decoder.Accept(tokens[t]));
        }
    }

    [Fact]
    public void Accept_FullContext_GoesOnFromItsLastHalf()
    {
        using Device device = Device.Cpu(1);
        using var model = new GptModel(device, Config);
        model.Initialize(InitializationKind.Andrea, seed: 4);
        int[] tokens = [.. Enumerable.Range(0, 15).Select(i => i * 11 % 29)];
        using var decoder = new GptDecoder(model);
        float[] last = [];
        foreach (int token in tokens)
            last = decoder.Accept(token).ToArray();
        Assert.Equal(9, decoder.Position);
        // Tokens 6 to 11 were read anew when the 13th came.
        using var fresh = new GptDecoder(model);
        float[] expected = [];
        foreach (int token in tokens[6..])
            expected = fresh.Accept(token).ToArray();
        Assert.Equal(expected, last);
    }

    [Fact]
    public void Accept_ContextOfOne_StillWorks()
    {
        using Device device = Device.Cpu(1);
        using var model = new GptModel(device, Config with { ContextLength = 1 });
        model.Initialize(InitializationKind.Andrea, seed: 4);
        using var decoder = new GptDecoder(model);
        decoder.Accept(3);
        float[] again = decoder.Accept(5).ToArray();
        decoder.Reset();
        Assert.Equal(again, decoder.Accept(5).ToArray());
    }

    [Fact]
    public void Accept_TokenOutsideTheVocabulary_Throws()
    {
        using Device device = Device.Cpu(1);
        using var model = new GptModel(device, Config);
        using var decoder = new GptDecoder(model);
        Assert.Throws<ArgumentOutOfRangeException>(() => decoder.Accept(29).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => decoder.Accept(-1).Length);
    }
}
