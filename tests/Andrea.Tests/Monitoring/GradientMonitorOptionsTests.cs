using Andrea.Clipping;
using Andrea.Monitoring;
using Andrea.Tensors;

namespace Andrea.Tests.Monitoring;

public class GradientMonitorOptionsTests
{
    private static readonly string[] Names = ["wte", "h.0.attn.w", "h.0.mlp.w", "h.1.attn.w", "h.1.mlp.w", "lm_head"];

    [Theory]
    [InlineData("", "", "wte h.0.attn.w h.0.mlp.w h.1.attn.w h.1.mlp.w lm_head")]
    [InlineData("h.*.attn.*", "", "h.0.attn.w h.1.attn.w")]
    [InlineData("h.*;wte", "*.mlp.*", "wte h.0.attn.w h.1.attn.w")]
    [InlineData("", "h.*", "wte lm_head")]
    public void Tensors_ByPattern_AreThoseThatMatch(string include, string exclude, string expected) =>
        Assert.Equal(expected.Split(' '), Series(Options(include, exclude)).Select(tensor => tensor.Name));

    [Fact]
    public void Tensors_ByBlock_AreJoinedWithDepthAndLength()
    {
        Assert.Equal(
            [new("wte", 1, null), new("h.0", 2 + 3, 0), new("h.1", 4 + 5, 1), new("lm_head", 6, null)],
            Series(new GradientMonitorOptions { Grouping = GradientGrouping.Block }));
        Assert.Equal(
            [new("h.0", 3, 0), new("h.1", 5, 1)],
            Series(new GradientMonitorOptions { Include = ["*.mlp.*"], Grouping = GradientGrouping.Block }));
    }

    [Theory]
    [InlineData("h.3.attn.c_proj.weight", "h.3", 3)]
    [InlineData("layers.12.x", "layers.12", 12)]
    [InlineData("0.weight", "0", 0)]
    [InlineData("model.layers.7.mlp.2.w", "model.layers.7", 7)]
    [InlineData("h.3", "h.3", 3)]
    [InlineData("fc1.weight", "fc1.weight", null)]
    [InlineData("a..b", "a..b", null)]
    [InlineData("x.-1.y", "x.-1.y", null)]
    [InlineData("x.99999999999.y", "x.99999999999.y", null)]
    public void Block_OfAName_IsItsFirstNumber(string name, string block, int? depth) =>
        Assert.Equal((block, depth), MonitoredGroups.BlockOf(name));

    [Theory]
    [InlineData("h.*.atn.*", "")]
    [InlineData("", "H.*")]
    public void Pattern_MatchingNothing_NamesTheTensors(string include, string exclude)
    {
        var error = Assert.Throws<ArgumentException>(() => Series(Options(include, exclude)));
        Assert.Contains($"'{include}{exclude}' matches none of the 6 tensors: wte, h.0.attn.w,", error.Message, StringComparison.Ordinal);
        Assert.Equal(include.Length > 0 ? "Include" : "Exclude", error.ParamName);
    }

    [Fact]
    public void Patterns_LeavingNothing_AreRefused() =>
        Assert.Contains("leave none", Assert.Throws<ArgumentException>(() => Series(Options("wte", "w*"))).Message, StringComparison.Ordinal);

    [Fact]
    public void Values_OutOfRange_Throw()
    {
        GradientMonitorOptions[] wrong =
        [
            new() { Every = -1 }, new() { UpdatesEvery = -1 }, new() { Grouping = (GradientGrouping)7 }, new() { Include = [""] },
            new() { Exclude = [null!] }, new() { Include = null! },
        ];
        Assert.All(wrong, options => Assert.ThrowsAny<ArgumentException>(() => Series(options)));
        Assert.All(wrong, options => Assert.ThrowsAny<ArgumentException>(() => (Training.SmallRun.Options with { Monitor = options }).Validate()));
    }

    [Fact]
    public void Tensors_None_GiveNoSeries() => Assert.Empty(new MonitoredGroups(new ExternalTensors(), new GradientMonitorOptions()).Series);

    private static GradientMonitorOptions Options(string include, string exclude) => new()
    {
        Include = include.Split(';', StringSplitOptions.RemoveEmptyEntries),
        Exclude = exclude.Split(';', StringSplitOptions.RemoveEmptyEntries),
    };

    private static IReadOnlyList<MonitoredTensor> Series(GradientMonitorOptions options)
    {
        using Device device = Device.Cpu(1);
        using var set = new ExternalTensors();
        for (int i = 0; i < Names.Length; i++)
            set.Add(Names[i], new float[i + 1]);
        using var clipper = new GradClipper(device, set);
        using var monitor = new GradientMonitor(clipper, options: options);
        return monitor.Tensors;
    }
}
