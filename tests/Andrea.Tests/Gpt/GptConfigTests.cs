using Andrea.Gpt;
using Andrea.Tensors;
using Andrea.Training;

namespace Andrea.Tests.Gpt;

public class GptConfigTests
{
    private static readonly GptConfig Good = new() { VocabularySize = 10, ContextLength = 8, ChannelCount = 12, HeadCount = 3, LayerCount = 1 };

    [Theory]
    [InlineData("andrea12m", 12_780_288)]
    [InlineData("andrea120m", 98_698_752)]
    [InlineData("gpt2small", 124_318_464)]
    public void Presets_MatrixWeights_HaveThePublishedCount(string name, long expected)
    {
        ParameterLayout layout = GptParameters.CreateLayout(Preset.Find(name).Config);
        long matrices = Enumerable.Range(0, layout.Count).Select(layout.ShapeOf).Where(shape => shape.Rank == 2).Sum(shape => shape.Length);
        Assert.Equal(expected, matrices);
    }

    [Fact]
    public void Gpt2Small_AllParameters_Are124Million() =>
        Assert.Equal(124_439_808, GptParameters.CreateLayout(Preset.Gpt2Small.Config).ElementCount);

    [Fact]
    public void Presets_AreValidAndFoundByName()
    {
        foreach (Preset preset in Preset.All)
        {
            preset.Config.Validate();
            preset.Options.Validate();
            Assert.Same(preset, Preset.Find(preset.Name.ToUpperInvariant()));
        }
        Assert.Contains("chars", Assert.Throws<ArgumentException>(() => Preset.Find("huge")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Models_OfImpossibleSizes_AreRefusedByNameAndValue()
    {
        using Device device = Device.Cpu(threads: 1);
        new GptModel(device, Good).Dispose();
        (GptConfig Config, string Name, string Value)[] bad =
        [
            (Good with { VocabularySize = 0 }, "VocabularySize", "0"),
            (Good with { ContextLength = -1 }, "ContextLength", "-1"),
            (Good with { ChannelCount = 0 }, "ChannelCount", "0"),
            (Good with { HeadCount = 13 }, "HeadCount", "13"),
            (Good with { HeadCount = 5 }, "HeadCount", "5"),
            (Good with { LayerCount = 0 }, "LayerCount", "0"),
            (Good with { NormEpsilon = float.NaN }, "NormEpsilon", "NaN"),
            (Good with { Norm = (NormKind)7 }, "Norm", "7"),
            (Good with { Activation = (ActivationKind)8 }, "Activation", "8"),
        ];
        foreach ((GptConfig config, string name, string value) in bad)
        {
            string message = Assert.Throws<ArgumentOutOfRangeException>(() => new GptModel(device, config)).Message;
            Assert.Contains(name, message, StringComparison.Ordinal);
            Assert.Contains(value, message, StringComparison.Ordinal);
        }
    }
}
