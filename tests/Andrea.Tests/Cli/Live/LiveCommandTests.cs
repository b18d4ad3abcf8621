using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Andrea.Cli;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cli.Live;

public sealed partial class LiveCommandTests : IDisposable
{
    private const int Interrupt = 2, Term = 15;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task TrainLive_ShowsTheRunWhileItGoesOn_AndEndsWithIt()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "raw signal numbers are those of Linux");
        using Process process = CliProcess.Start(new Dictionary<string, string?>(), [.. Training(1_000_000), "--live", "0"]);
        Task<string> errors = process.StandardError.ReadToEndAsync();
        using var client = new HttpClient { BaseAddress = new Uri(await UrlIn(process)) };
        using EventClient events = await EventClient.Open(client, "events/run?metrics=0&gradients=0");
        SentEvent first = (await events.Next())!;
        Assert.StartsWith("{\"step\":1,\"loss\":", first.Data, StringComparison.Ordinal);
        Assert.StartsWith("{\"points\":[[1,", await client.GetStringAsync("loss/run"), StringComparison.Ordinal);
        // Training is not held up by anyone who looks.
        Task<string> rest = process.StandardOutput.ReadToEndAsync();
        Assert.Equal(0, Kill(process.Id, Term));
        SentEvent? last = null;
        for (SentEvent? item; (item = await events.Next()) is not null;)
            last = item;
        Assert.Equal("end", last?.Type);
        await process.WaitForExitAsync();
        Assert.Equal("", await errors);
        Assert.Equal(0, process.ExitCode);
        Assert.Contains("Stopped at step", await rest, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TrainLive_OfAShortRun_IsTheSameRunAsWithoutIt()
    {
        CliRun live = (await CliRun.Of([.. Training(3), "--live", "0"])).Succeeded();
        Assert.Matches("The run can be watched at http://127.0.0.1:[0-9]+/\r?\n", live.Output);
        CliRun plain = (await CliRun.Of(Training(3, "plain"))).Succeeded();
        Assert.DoesNotContain("http://", plain.Output, StringComparison.Ordinal);
        Assert.Equal(Model("plain"), Model("run"));
    }

    [Fact]
    public async Task TrainLive_PortInUse_IsToldBeforeAnythingIsWritten()
    {
        await using LiveHost host = await LiveHost.Start();
        CliRun run = await CliRun.Of([.. Training(3), "--live", $"{host.Server.Port}"]);
        Assert.Contains($"Port {host.Server.Port} is in use already", run.FailedWith(ExitCode.Failed), StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder["run"]));
    }

    [Fact]
    public async Task TrainLive_ForOthersToo_WarnsInOneSentence()
    {
        CliRun run = await CliRun.Of([.. Training(1), "--live", "0", "--live-host", "0.0.0.0"]);
        Assert.Equal(ExitCode.Done, run.ExitCode);
        Assert.Matches(@"^andrea: Everyone who reaches port [0-9]+ of this machine can read the run[^\n]*\n$", run.Error.ReplaceLineEndings("\n"));
    }

    [Theory]
    [InlineData("'70000' is not a value of --live; expected a port", "--live", "70000")]
    [InlineData("'here' is not a value of --live", "--live", "here")]
    [InlineData("'gpu' is not a value of --live-host", "--live", "--live-host", "gpu")]
    [InlineData("so it needs --live", "--live-host", "0.0.0.0")]
    public async Task TrainLive_WrongValues_AreWrongUsage(string expected, params string[] options)
    {
        CliRun run = await CliRun.Of([.. Training(1), .. options]);
        Assert.Contains(expected, run.FailedWith(ExitCode.WrongUsage), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Interrupt)]
    [InlineData(Term)]
    public async Task Watch_ServesAFinishedRunUntilASignal(int signal)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "raw signal numbers are those of Linux");
        Signals.SkipWhereIgnored(signal);
        Directory.CreateDirectory(_folder["run"]);
        File.WriteAllText(Path.Combine(_folder["run"], "metrics.jsonl"), LiveHost.Step(1, 4.5) + "\n");
        // Settings of other servers, which must not open a port here.
        string other = $"http://127.0.0.1:{FreePort()}";
        using Process process = CliProcess.Start(
            new Dictionary<string, string?> { ["ASPNETCORE_URLS"] = other, ["Kestrel__Endpoints__X__Url"] = other }, "watch", _folder["run"], "--port", "0");
        Task<string> errors = process.StandardError.ReadToEndAsync();
        using var client = new HttpClient { BaseAddress = new Uri(await UrlIn(process)) };
        Assert.Equal("{\"points\":[[1,4.5]]}", await client.GetStringAsync("loss/run"));
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetStringAsync(other));
        using EventClient events = await (await EventClient.Open(client, "events/run")).Ready();
        Assert.Equal(0, Kill(process.Id, signal));
        Assert.Equal("end", (await events.Next())!.Type);
        await process.WaitForExitAsync();
        Assert.Equal("", await errors);
        Assert.Equal(0, process.ExitCode);
    }

    [Fact]
    public async Task Watch_OfNoFolder_IsOneSentence()
    {
        CliRun run = await CliRun.Of("watch", _folder["nowhere"]);
        Assert.Contains("nowhere", run.FailedWith(ExitCode.Failed), StringComparison.Ordinal);
    }

    private string[] Training(int steps, string folder = "run")
    {
        File.WriteAllText(_folder["book.txt"], string.Concat(Enumerable.Repeat("the cat sat on the mat and the dog ran to the cat. ", 60)));
        return
        [
            "train", "--data", _folder["book.txt"], "--preset", "tiny", "--batch", "1", "--threads", "1", "--steps", $"{steps}", "--eval-every", "0",
            "--sample-tokens", "0", "--log-every", "1", "--out", _folder[folder],
        ];
    }

    private byte[] Model(string run) => File.ReadAllBytes(Path.Combine(_folder[run], "checkpoints", "step-000003", "model.safetensors"));

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task<string> UrlIn(Process process)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (await process.StandardOutput.ReadLineAsync(limit.Token) is { } line)
            if (Url().Match(line) is { Success: true } match)
                return match.Value;
        throw new EndOfStreamException("The process ended before it said where.");
    }

    [GeneratedRegex("http://[^ ]+/")]
    private static partial Regex Url();

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
