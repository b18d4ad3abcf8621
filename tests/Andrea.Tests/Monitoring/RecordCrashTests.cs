using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Andrea.CrashHost;
using Andrea.Numerics;
using Andrea.Tests.Monitoring.Sinks;
using Andrea.Tests.Support;

namespace Andrea.Tests.Monitoring;

/// <summary>Ends a process that writes records in every way that is not a good one, and looks at what it left.</summary>
public class RecordCrashTests
{
    private const int KillCount = 6;
    private const int LongestDelayMs = 60;

    [Fact]
    public void Kill_AtAnyMoment_LeavesEveryFlushedRecordAndFilesThatParse()
    {
        using var folder = new TemporaryFolder();
        var random = new Philox(20261125);
        long last = 0;
        for (int kill = 0; kill < KillCount; kill++)
        {
            long flushed = RunUntilKilled(folder, last, TimeSpan.FromMilliseconds(random.NextDouble() * LongestDelayMs));
            Assert.True(flushed > last, $"nothing was flushed before kill {kill}");
            // The first look is a reader's, at the files as they were left; each next round resumes from there and so repairs them.
            AssertComplete(StepsOf(folder["metrics.jsonl"], "loss"), flushed);
            AssertComplete(StepsOf(folder["gradients.jsonl"], "norm"), flushed);
            AssertComplete([.. WholeLines(folder["metrics.csv"]).Skip(1).Select(line => long.Parse(line.Split(',')[0], CultureInfo.InvariantCulture))], flushed);
            last = flushed;
        }
        // Event files cannot be taken back, so they hold some steps twice; each of them parses.
        var written = new HashSet<long>();
        foreach (string path in Directory.GetFiles(folder.Path, "events.*"))
            written.UnionWith(EventFileReader.Scalars(EventFileReader.Read(File.ReadAllBytes(path))).Select(scalar => scalar.Step));
        Assert.Superset(Enumerable.Range(1, (int)last).Select(step => (long)step).ToHashSet(), written);
    }

    [Theory]
    [InlineData("throw")]
    [InlineData("exit")]
    public async Task End_WithoutDisposing_LeavesEveryRecord(string way)
    {
        using var folder = new TemporaryFolder();
        using Process process = Start(folder, way);
        Task<string> errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        if (way == "exit")
            Assert.Equal(3, process.ExitCode);
        else
            Assert.Contains("planted", await errors, StringComparison.Ordinal);
        long[] all = [.. Enumerable.Range(1, RecordLoop.Steps).Select(step => (long)step)];
        Assert.Equal(all, StepsOf(folder["metrics.jsonl"], "loss"));
        Assert.Equal(all, StepsOf(folder["gradients.jsonl"], "norm"));
        Assert.Equal(RecordLoop.Steps + 1, WholeLines(folder["metrics.csv"]).Length);
    }

    /// <summary>Steps 1, 2, ... without a gap, up to the last one flushed or further.</summary>
    private static void AssertComplete(long[] steps, long flushed)
    {
        Assert.Equal(Enumerable.Range(1, steps.Length).Select(step => (long)step), steps);
        Assert.True(steps.Length >= flushed, $"step {flushed} was flushed, and {steps.Length} is the last one there");
    }

    /// <summary>The steps of lines with a certain field. All lines must parse; the last may be cut off.</summary>
    private static long[] StepsOf(string path, string field) =>
    [
        .. WholeLines(path).Select(line => JsonElement.Parse(line))
            .Where(line => line.TryGetProperty(field, out _))
            .Select(line => line.GetProperty("step").GetInt64()),
    ];

    private static string[] WholeLines(string path) => File.ReadAllText(path).Split('\n')[..^1];

    private static long RunUntilKilled(TemporaryFolder folder, long lastStep, TimeSpan delay)
    {
        using Process process = Start(folder, "records", lastStep.ToString(CultureInfo.InvariantCulture));
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadLine() + "\n";
        Thread.Sleep(delay);
        process.Kill();
        output += process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(output.StartsWith("flushed ", StringComparison.Ordinal), $"the process flushed nothing: {output}{errors.Result}");
        string line = output[..output.LastIndexOf('\n')].Split('\n')[^1];
        return long.Parse(line["flushed ".Length..], CultureInfo.InvariantCulture);
    }

    private static Process Start(TemporaryFolder folder, params string[] arguments)
    {
        string dotnet = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? Environment.ProcessPath! : "dotnet";
        string[] all = ["exec", Path.Combine(AppContext.BaseDirectory, "Andrea.CrashHost.dll"), folder.Path, .. arguments];
        return Process.Start(new ProcessStartInfo(dotnet, all) { RedirectStandardOutput = true, RedirectStandardError = true })!;
    }
}
