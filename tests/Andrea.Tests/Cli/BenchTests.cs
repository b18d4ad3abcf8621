using System.Text.Json;
using Andrea.Backends;
using Andrea.Cli.Bench;
using Andrea.Cpu;
using Andrea.Gpt;
using Andrea.Tensors;
using Andrea.Training;

namespace Andrea.Tests.Cli;

public sealed class BenchTests
{
    private static readonly GptConfig Config = new() { VocabularySize = 11, ContextLength = 8, ChannelCount = 16, HeadCount = 2, LayerCount = 1 };

    [Fact]
    public async Task BenchOptimizer_Json_HasEveryVariantWithItsRates()
    {
        CliRun run = (await CliRun.Of("bench", "optimizer", "--preset", "tiny", "--reps", "1", "--threads", "1", "--json")).Succeeded();
        using JsonDocument json = JsonDocument.Parse(run.Output);
        JsonElement root = json.RootElement;
        Assert.Equal("optimizer", root.GetProperty("benchmark").GetString());
        Assert.Equal(119_168, root.GetProperty("parameters").GetInt64());
        JsonElement[] results = [.. root.GetProperty("results").EnumerateArray()];
        Assert.Equal(
            ["clip, norm only", "clip, norm and scaling", "AdamW", "clip and AdamW, fused"], results.Select(result => result.GetProperty("name").GetString()!));
        Assert.All(results, result =>
        {
            Assert.True(result.GetProperty("minMs").GetDouble() > 0);
            Assert.True(result.GetProperty("medianMs").GetDouble() >= result.GetProperty("minMs").GetDouble());
            Assert.True(result.GetProperty("gigabytesPerSecond").GetDouble() > 0);
        });
    }

    [Fact]
    public async Task BenchStep_Json_HasTheStepAndItsParts()
    {
        CliRun run = (await CliRun.Of(
            "bench", "step", "--preset", "tiny", "--batch", "1", "--context", "8", "--reps", "2", "--threads", "1", "--json")).Succeeded();
        using JsonDocument json = JsonDocument.Parse(run.Output);
        JsonElement[] results = [.. json.RootElement.GetProperty("results").EnumerateArray()];
        Assert.Equal("step", results[0].GetProperty("name").GetString());
        Assert.True(results[0].GetProperty("tokensPerSecond").GetDouble() > 0);
        string[] names = [.. results.Skip(1).Select(result => result.GetProperty("name").GetString()!)];
        foreach (string part in (string[])["linear forward", "linear backward, weight", "attention backward", "cross-entropy", "clip, norm", "AdamW"])
            Assert.Contains(part, names);
        Assert.Equal(8, json.RootElement.GetProperty("context").GetInt32());
    }

    [Fact]
    public async Task BenchStep_Table_NamesPresetAndShape()
    {
        CliRun run = (await CliRun.Of("bench", "step", "--preset", "tiny", "--batch", "1", "--context", "8", "--reps", "1", "--threads", "1")).Succeeded();
        Assert.StartsWith("step of tiny: 119,168 parameters, batch 1 x 8 tokens, 1 repetitions", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task BenchStep_LongerContextThanThePresets_CountsTheLongerPositionTable()
    {
        CliRun run = (await CliRun.Of("bench", "step", "--preset", "tiny", "--batch", "1", "--context", "65", "--reps", "1", "--threads", "1")).Succeeded();
        Assert.StartsWith("step of tiny: 119,232 parameters, batch 1 x 65 tokens", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bench_TooLargeForTheMachine_IsRefusedBeforeItBegins()
    {
        CliRun run = await CliRun.Of("bench", "step", "--preset", "andrea480m", "--batch", "1000000");
        Assert.Contains("of memory are needed", run.FailedWith(Andrea.Cli.ExitCode.Failed), StringComparison.Ordinal);
    }

    [Fact]
    public void Timings_MedianAndMinimum()
    {
        var timings = new Timings();
        foreach (double value in (double[])[5, 1, 9])
            timings.Add(value);
        Assert.Equal((5, 1), (timings.Median, timings.Minimum));
        timings.Add(7);
        Assert.Equal(6, timings.Median);
        BenchResult result = timings.ToResult("x", bytes: 12e6, operations: 6e6, tokens: 3, wholeMs: 12);
        Assert.Equal(new BenchResult("x", 6, 1, 2, 1, 500, 0.5), result);
    }

    [Fact]
    public void TimingBackend_ChangesNoBit_AndCountsTheProducts()
    {
        using var plain = new CpuBackend(1);
        using var timed = new TimingBackend(new CpuBackend(1)) { Enabled = true };
        Assert.Equal(GradientsOn(plain), GradientsOn(timed));
        // 2 rows I O for every matrix: qkv, attention out, two of the MLP, head.
        double products = 2.0 * (2 * 8) * ((16 * 48) + (16 * 16) + (2 * 16 * 64) + (16 * 11));
        Assert.Equal(products, timed.OperationsOf(Part.LinearForward));
        Assert.Equal(products, timed.OperationsOf(Part.LinearBackwardInput));
        Assert.Equal(products, timed.OperationsOf(Part.LinearBackwardWeight));
        Assert.True(timed.MillisecondsOf(Part.LinearForward) > 0);
        Assert.True(timed.MillisecondsOf(Part.AttentionBackward) > 0);
        timed.Reset();
        Assert.Equal(0, timed.OperationsOf(Part.LinearForward));
        Assert.Equal(0, timed.MillisecondsOf(Part.LinearForward));
    }

    [Fact]
    public void TimingBackend_Disabled_TakesNoTime()
    {
        using var timed = new TimingBackend(new CpuBackend(1));
        GradientsOn(timed);
        Assert.All(Enum.GetValues<Part>(), part => Assert.Equal(0, timed.MillisecondsOf(part)));
    }

    [Fact]
    public void EveryPart_HasItsOwnName()
    {
        string[] names = [.. Enum.GetValues<Part>().Select(part => part.NameOf())];
        Assert.Equal(names.Length, names.Distinct().Count());
    }

    [Fact]
    public void TrainingBytes_GrowWithModelAndBatch()
    {
        long small = Andrea.Cli.MemoryCheck.TrainingBytes(Preset.Chars.Config, 12, 64);
        Assert.InRange(small, 4 * 4 * 800_000, 1L << 28);
        Assert.True(Andrea.Cli.MemoryCheck.TrainingBytes(Preset.Chars.Config, 24, 64) > small);
        // Parameters and two moments, for each snapshot.
        long guarded = Andrea.Cli.MemoryCheck.TrainingBytes(Preset.Chars.Config, 12, 64, new SpikeGuardOptions { Snapshots = 3 });
        Assert.Equal(3 * 12 * GptParameters.CreateLayout(Preset.Chars.Config).ArenaLength, guarded - small);
        Assert.Equal(small, Andrea.Cli.MemoryCheck.TrainingBytes(Preset.Chars.Config, 12, 64, new SpikeGuardOptions { WideCount = 0 }));
    }

    private static float[] GradientsOn(IBackend backend)
    {
        // The device would dispose the backend; its owner is the test.
        var device = new Device(backend);
        using var model = new GptModel(device, Config);
        model.Initialize(InitializationKind.Gpt2, seed: 3);
        using var pass = new GptPass(model, batchSize: 2, tokenCount: 8);
        int[] tokens = [.. Enumerable.Range(0, 16).Select(i => i * 7 % 11)];
        pass.ForwardBackward(tokens, tokens);
        Tensor gradients = model.Gradients.Flat;
        return gradients.ToArray();
    }
}
