using System.Net;
using System.Net.Sockets;
using Andrea.Cli;
using Andrea.Tests.Monitoring.Sinks;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cli;

[Collection(PublishingTests.Name)]
public sealed class SinkOptionsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Train_WithEveryFile_WritesThemAndAResumeGoesOnInThem()
    {
        (await Train("--steps", "6", "--csv", "--tensorboard", "--log-lines")).Succeeded();
        Assert.Equal(["1", "2", "3", "4", "5", "6"], StepColumn());
        (await CliRun.Of("train", "--resume", _folder["run"], "--steps", "8", "--sample-tokens", "0", "--csv", "--tensorboard", "--log-lines")).Succeeded();
        Assert.Equal(["1", "2", "3", "4", "5", "6", "7", "8"], StepColumn());
        string[] log = File.ReadAllLines(_folder["run/main.log"]);
        Assert.Equal(8, log.Count(line => line.Contains(" trl:", StringComparison.Ordinal)));
        Assert.Contains(log, line => line.StartsWith("s:8 tel:", StringComparison.Ordinal));
        long[] steps =
        [
            .. Directory.GetFiles(_folder["run"], "events.out.tfevents.*").SelectMany(path => EventFileReader.Scalars(EventFileReader.Read(File.ReadAllBytes(path))))
                .Where(scalar => scalar.Tag == "train/loss").Select(scalar => scalar.Step).Order(),
        ];
        Assert.Equal([1L, 2, 3, 4, 5, 6, 7, 8], steps);
    }

    [Fact]
    public async Task Train_WithoutOptions_WritesNoneOfThem()
    {
        (await Train("--steps", "2")).Succeeded();
        Assert.Empty(Directory.GetFiles(_folder["run"], "*.csv"));
        Assert.Empty(Directory.GetFiles(_folder["run"], "events.*"));
        Assert.False(File.Exists(_folder["run/main.log"]));
    }

    [Fact]
    public async Task Train_FullDisk_GoesOnAndSaysSo()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "There is no /dev/full here.");
        Directory.CreateDirectory(_folder["run"]);
        File.CreateSymbolicLink(_folder["run/main.log"], "/dev/full");
        CliRun run = (await Train("--steps", "4", "--log-lines")).Succeeded();
        Assert.Contains("main.log failed and is told nothing more: No space left on device", run.Output, StringComparison.Ordinal);
        Assert.Contains("step 4/4", run.Output, StringComparison.Ordinal);
        Assert.Equal(4, File.ReadLines(_folder["run/metrics.jsonl"]).Count(line => line.Contains("\"loss\"", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Otlp_Receiver_GetsMetricsAndTraces()
    {
        using var receiver = new OtlpReceiver();
        CliRun run = (await Train("--steps", "6", "--otlp", receiver.Url)).Succeeded();
        Assert.DoesNotContain(receiver.Url, run.Output, StringComparison.Ordinal);
        Dictionary<string, double> metrics = receiver.Metrics();
        Assert.Equal(6, metrics["andrea.step"]);
        Assert.Equal(6, metrics["andrea.steps"]);
        Assert.Equal(6, metrics["andrea.step.duration"]);
        Assert.InRange(metrics["andrea.loss"], 0.1, 10);
        Assert.InRange(metrics["andrea.validation_loss"], 0.1, 10);
        Assert.InRange(metrics["andrea.gradient.norm"], 1e-3, 1e3);
        Assert.InRange(metrics["andrea.clip.coefficient"], 1e-3, 1);
        Assert.True(metrics["andrea.tokens"] > 0);
        string[] spans = receiver.Spans();
        Assert.Single(spans, "train");
        Assert.Contains("evaluation", spans);
        Assert.Contains("checkpoint", spans);
        Assert.Contains(" service.name=andrea", receiver.Resource(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Otlp_NobodyListens_IsSaidOnceAtTheEnd()
    {
        string url = $"http://127.0.0.1:{OtlpReceiver.FreePort()}";
        CliRun run = (await Train("--steps", "4", "--otlp", url)).Succeeded();
        string[] lines = run.Output.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');
        Assert.StartsWith($"Nothing could be delivered to {url}/: ", lines[^1], StringComparison.Ordinal);
        Assert.Single(lines, line => line.Contains(url, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Otlp_NobodyAnswers_EndsAllTheSame()
    {
        // Connections are made, and that is all.
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        string url = $"http://127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}";
        CliRun run = (await Train("--steps", "4", "--otlp", url)).Succeeded();
        Assert.Contains($"Nothing could be delivered to {url}/: ", run.Output, StringComparison.Ordinal);
        Assert.Contains("no answer in time", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Otlp_ReceiverRefuses_SaysItsAnswer()
    {
        using var receiver = new OtlpReceiver(status: 403);
        CliRun run = (await Train("--steps", "2", "--otlp", receiver.Url)).Succeeded();
        Assert.Contains("it answered 403 Forbidden", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("localhost:4318")]
    [InlineData("ftp://localhost")]
    [InlineData("nonsense")]
    public async Task Otlp_NoUrl_IsRefused(string text)
    {
        CliRun run = await Train("--otlp", text);
        Assert.Contains($"'{text}' is not a value of --otlp; expected a URL", run.FailedWith(ExitCode.WrongUsage), StringComparison.Ordinal);
    }

    private string[] StepColumn() =>
    [
        .. File.ReadLines(_folder["run/metrics.csv"]).Skip(1).Select(line => line.Split(',')).Where(fields => fields[1] != "").Select(fields => fields[0]),
    ];

    private async Task<CliRun> Train(params string[] arguments)
    {
        string book = _folder["book.txt"];
        if (!File.Exists(book))
            File.WriteAllText(book, string.Concat(Enumerable.Repeat("the cat sat on the mat and the dog ran to the cat. ", 60)));
        return await CliRun.Of(
            ["train", "--data", book, "--preset", "tiny", "--device", "cpu", "--threads", "1", "--sample-tokens", "0", "--out", _folder["run"], .. arguments]);
    }
}
