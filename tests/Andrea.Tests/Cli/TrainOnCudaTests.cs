using System.Text.Json;
using Andrea.Cli;
using Andrea.Cli.Rendering;
using Andrea.PtxEmulator.Driver;
using Andrea.Tests.Support;
using Andrea.Training;

namespace Andrea.Tests.Cli;

/// <summary>The commands on a machine with a GPU, which is the emulator: from a text file to a model that writes.</summary>
public sealed class TrainOnCudaTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Train_OnTheGpu_LeavesARunThatEitherDeviceGoesOnWith()
    {
        string book = _folder["book.txt"], run = _folder["run"];
        File.WriteAllText(book, string.Concat(Enumerable.Repeat("the cat sat on the mat, and the dog lay by the door. ", 30)));
        CliRun train = (await CliRun.OnEmulator(
            "train", "--device", "cuda", "--data", book, "--preset", "tiny", "--steps", "4", "--batch", "2", "--context", "16",
            "--eval-every", "2", "--out", run, "--sample-tokens", "12", "--prompt", "the ", "--log-every", "1")).Succeeded();
        Assert.Contains("on GPU 0, PTX emulator", train.Output, StringComparison.Ordinal);
        for (int step = 1; step <= 4; step++)
            Assert.Contains($"step {step}/4  loss ", train.Output, StringComparison.Ordinal);
        Assert.Contains("Validation loss ", train.Output, StringComparison.Ordinal);
        string[] losses = [.. File.ReadLines(Path.Combine(run, "metrics.jsonl")).Where(line => line.Contains("\"loss\":", StringComparison.Ordinal))];
        Assert.Equal(4, losses.Length);

        CliRun resumed = (await CliRun.Of(
            "train", "--resume", run, "--device", "cpu", "--steps", "6", "--schedule", "constant", "--sample-tokens", "0")).Succeeded();
        Assert.Contains("4 of 6 steps are done", resumed.Output, StringComparison.Ordinal);
        string onCpu = (await CliRun.Of("sample", run, "--device", "cpu", "--prompt", "the ", "--tokens", "20")).Succeeded().Output;
        Assert.Equal(onCpu, (await CliRun.OnEmulator("sample", run, "--prompt", "the ", "--tokens", "20")).Succeeded().Output);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Train_BeyondTheGpusMemory_IsRefusedWithTheGuardsSnapshotsCounted(bool guarded)
    {
        string book = _folder["book.txt"];
        File.WriteAllText(book, string.Concat(Enumerable.Repeat("the cat sat on the mat. ", 200)));
        string[] guard = guarded ? ["--spike-guard"] : [];
        CliRun train = await CliRun.OnEmulator(
            new EmulatedGpu { TotalBytes = 1 << 20 },
            ["train", "--data", book, "--preset", "tiny", "--tokenizer", "byte", "--batch", "2", "--device", "cuda", "--out", _folder["run"], .. guard]);
        long needed = MemoryCheck.TrainingBytes(Preset.Tiny.Config, 2, Preset.Tiny.Config.ContextLength, guarded ? new SpikeGuardOptions() : null);
        Assert.StartsWith($"For training tiny about {Units.Bytes(needed)} of memory are needed, ", train.FailedWith(ExitCode.Failed), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("step")]
    [InlineData("optimizer")]
    public async Task Bench_OnTheGpu_TimesIt(string what)
    {
        string[] size = what == "step" ? ["--batch", "1", "--context", "8"] : [];
        CliRun bench = (await CliRun.OnEmulator(["bench", what, "--device", "cuda", "--preset", "tiny", "--reps", "1", "--json", .. size])).Succeeded();
        using JsonDocument report = JsonDocument.Parse(bench.Output);
        Assert.StartsWith("GPU 0, PTX emulator", report.RootElement.GetProperty("device").GetString(), StringComparison.Ordinal);
        Assert.All(report.RootElement.GetProperty("results").EnumerateArray(), result => Assert.True(result.GetProperty("medianMs").GetDouble() > 0));
    }
}
