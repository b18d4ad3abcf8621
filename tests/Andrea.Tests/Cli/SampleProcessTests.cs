using System.Diagnostics;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cli;

public sealed class SampleProcessTests
{
    [Fact]
    public async Task Process_WhoseReaderHasEnough_EndsQuietly()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "there, a closed pipe is not told of");
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["book.txt"], string.Concat(Enumerable.Repeat("the cat sat on the mat. ", 100)));
        (await CliRun.Of(
            "train", "--data", folder["book.txt"], "--preset", "tiny", "--batch", "1", "--threads", "1", "--steps", "1", "--out", folder["run"]))
            .Succeeded();
        using Process process = CliProcess.Start(new Dictionary<string, string?>(), "sample", folder["run"], "--threads", "1", "--tokens", "2147483647");
        Task<string> errors = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        char[] beginning = new char[20];
        Assert.Equal(beginning.Length, await process.StandardOutput.ReadBlockAsync(beginning.AsMemory(), limit.Token));
        process.StandardOutput.Close();
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            Assert.Fail("It goes on writing although nobody reads.");
        }
        Assert.Equal("", await errors);
        Assert.Equal(0, process.ExitCode);
    }
}
