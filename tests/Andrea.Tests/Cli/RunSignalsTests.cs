using System.Diagnostics;
using System.Runtime.InteropServices;
using Andrea.Cli;
using Andrea.Cli.Training;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cli;

public sealed partial class RunSignalsTests
{
    private const int Hangup = 1, Usr1 = 10, Term = 15;

    [Fact]
    public void Stop_FirstTimeInGoodOrder_SecondTimeAtOnce()
    {
        var notes = new List<string>();
        using var signals = new RunSignals(notes.Add, _ => Assert.Fail("the run goes on"));
        signals.Begin(() => Assert.Fail("no checkpoint was asked for"));
        Assert.False(signals.Stopping.IsCancellationRequested);
        Assert.True(signals.Stop());
        Assert.True(signals.Stopping.IsCancellationRequested);
        Assert.Single(notes);
        Assert.False(signals.Stop());
    }

    [Fact]
    public void Checkpoint_AsksTheRunAndGoesOn()
    {
        int asked = 0;
        using var signals = new RunSignals(_ => { }, _ => Assert.Fail("the run goes on"));
        Assert.True(signals.Checkpoint());
        signals.Begin(() => asked++);
        Assert.True(signals.Checkpoint());
        Assert.Equal(1, asked);
        Assert.False(signals.Stopping.IsCancellationRequested);
    }

    [Fact]
    public void Stop_BeforeThereIsARun_EndsTheProcessWithOneLine()
    {
        var notes = new List<string>();
        var codes = new List<int>();
        using var signals = new RunSignals(notes.Add, codes.Add);
        signals.Stop();
        Assert.Equal([ExitCode.Done], codes);
        Assert.Equal(["Stopped before the first step."], notes);
    }

    [Theory]
    [InlineData(Term)]
    [InlineData(Hangup)]
    public async Task Process_Usr1WritesACheckpointAndGoesOn_EndingOnesWriteOneAndExit0(int ending)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "raw signal numbers are those of Linux");
        Signals.SkipWhereIgnored(ending);
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["book.txt"], string.Concat(Enumerable.Repeat("the cat sat on the mat. ", 100)));
        using Process process = Start(folder);
        Task<string> errors = process.StandardError.ReadToEndAsync();
        await ReadUntil(process, "step 2/");
        Assert.Equal(0, Kill(process.Id, Usr1));
        await ReadUntil(process, ": checkpoint ");
        // It goes on: another step comes.
        await ReadUntil(process, "  loss ");
        Assert.Equal(0, Kill(process.Id, ending));
        string rest = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal("", await errors);
        Assert.Equal(0, process.ExitCode);
        Assert.Contains("Stopped at step", rest, StringComparison.Ordinal);
        Assert.True(Directory.GetDirectories(Path.Combine(folder["run"], "checkpoints"), "step-*").Length >= 2);
    }

    private static Process Start(TemporaryFolder folder)
    {
        string host = Environment.ProcessPath!;
        var start = new ProcessStartInfo(Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        string[] arguments =
        [
            "exec", Path.Combine(AppContext.BaseDirectory, "Andrea.Cli.dll"), "train", "--data", folder["book.txt"], "--preset", "tiny", "--batch", "1",
            "--threads", "1", "--steps", "1000000", "--eval-every", "0", "--log-every", "1", "--out", folder["run"],
        ];
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    private static async Task ReadUntil(Process process, string expected)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (await process.StandardOutput.ReadLineAsync(limit.Token) is { } line)
        {
            if (line.Contains(expected, StringComparison.Ordinal))
                return;
        }
        Assert.Fail($"The process ended before it wrote '{expected}'.");
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
