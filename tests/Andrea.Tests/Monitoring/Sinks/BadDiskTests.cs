using System.Diagnostics;
using Andrea.Monitoring;
using Andrea.Monitoring.Sinks;
using Andrea.Tests.Support;

namespace Andrea.Tests.Monitoring.Sinks;

/// <summary>Sinks on a full disk and on a pipe that nobody reads, behind the queue and as good as in a run.</summary>
public class BadDiskTests
{
    private static readonly TimeSpan Plenty = TimeSpan.FromMinutes(1);

    public static TheoryData<string> FileSinks => ["csv", "log", "metrics", "gradients"];

    [Theory, MemberData(nameof(FileSinks))]
    public void FullDisk_TakesTheFileOffWithASentenceAndTheOthersGoOn(string kind)
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "There is no /dev/full here.");
        var warnings = new List<string>();
        var good = new ToldObserver();
        using (var queue = new ObserverQueue())
        {
            queue.Warned += warnings.Add;
            queue.Add(Create(kind, "/dev/full"), owned: true);
            queue.Add(good);
            for (long step = 1; step <= 200; step++)
                Tell(queue, step);
            Assert.True(queue.Flush(Plenty));
        }
        Assert.Equal(400, good.Told.Count);
        string warning = Assert.Single(warnings);
        Assert.Contains("/dev/full failed and is told nothing more: ", warning, StringComparison.Ordinal);
        Assert.Contains("No space left on device", warning, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(FileSinks))]
    public void PipeThatNobodyReads_IsNotWaitedForByWhoMakesTheSink(string kind)
    {
        using var folder = new TemporaryFolder();
        string pipe = MakePipe(folder);
        var making = new Thread(() => Create(kind, pipe)) { IsBackground = true };
        making.Start();
        bool isMade = making.Join(TimeSpan.FromSeconds(20));
        if (!isMade)
            LetGo(pipe, null);
        Assert.True(isMade);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void PipeThatNobodyReads_HoldsUpNobody(bool isOpenAtTheOtherEnd)
    {
        using var folder = new TemporaryFolder();
        string pipe = MakePipe(folder);
        // Open, it takes what fits its buffer and blocks then; closed, opening it blocks. Both ends at once, since one alone would wait here.
        FileStream? other = isOpenAtTheOtherEnd ? new FileStream(pipe, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite) : null;
        var limit = TimeSpan.FromMilliseconds(100);
        var queue = new ObserverQueue(new ObserverQueueOptions { Capacity = 100, DrainLimit = limit, ExitLimit = limit });
        var csv = new CsvFile(pipe);
        csv.DropAfter(-1);
        queue.Add(csv, owned: true);
        // Far more than a pipe's 64 KB and the file's own buffer.
        for (long step = 1; step <= 20_000; step++)
        {
            queue.OnStep(TestRecords.Step(step));
            if (step % 50 == 0 && isOpenAtTheOtherEnd)
                queue.Flush(TimeSpan.FromMilliseconds(1));
        }
        Assert.True(queue.Dropped > 0);
        queue.Dispose();
        Assert.Contains(queue.Warnings, text => text.Contains(pipe, StringComparison.Ordinal));
        LetGo(pipe, other);
    }

    [Fact]
    public void SlowDisk_LosesNothingThatFitsTheQueue()
    {
        var slow = new ToldObserver { OnTold = _ => Thread.Sleep(1) };
        using (var queue = new ObserverQueue(new ObserverQueueOptions { Capacity = 400, DrainLimit = Plenty }))
        {
            queue.Add(slow);
            for (long step = 1; step <= 200; step++)
                Tell(queue, step);
            Assert.True(slow.Told.Count < 400, "the observer was not slower than its producer, so this has shown nothing");
        }
        Assert.Equal(400, slow.Told.Count);
    }

    private static IStepObserver Create(string kind, string path) => kind switch
    {
        "csv" => new CsvFile(path),
        "log" => new LogLines(path),
        "metrics" => new MetricsFile(path),
        _ => new GradientsFile(path),
    };

    private static void Tell(ObserverQueue queue, long step)
    {
        queue.OnStep(TestRecords.Step(step));
        queue.OnGradients(TestRecords.Gradients(step));
    }

    private static string MakePipe(TemporaryFolder folder)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "There are no named pipes in folders here.");
        string path = folder["metrics.csv"];
        using Process process = Process.Start("mkfifo", [path]);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return path;
    }

    /// <summary>Reads until the queue's thread has closed its end, so that it is gone before the folder is.</summary>
    private static void LetGo(string pipe, FileStream? other)
    {
        using var reader = new FileStream(pipe, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        // It could write as well, and a pipe ends when nobody can.
        other?.Dispose();
        reader.CopyTo(Stream.Null);
    }
}
