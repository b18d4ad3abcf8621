using Andrea.Cli;
using Andrea.Tests.Reporting;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cli;

public sealed class ReportCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Report_OneRun_IsWrittenIntoItsFolderAndNamed()
    {
        string run = PlantedRun.Write(_folder);
        CliRun report = (await CliRun.Of("report", run)).Succeeded();
        string path = Path.Combine(run, "report.html");
        Assert.Equal(path, report.Output.TrimEnd());
        Assert.Contains("<title>planted - Andrea</title>", File.ReadAllText(path), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Report_SeveralRunsWithOut_IsOnePageInAFolderThatIsMade()
    {
        string a = PlantedRun.Write(_folder, "a"), b = PlantedRun.Write(_folder, "b"), path = _folder["new/compare.html"];
        CliRun report = (await CliRun.Of("report", a, b, "--out", path)).Succeeded();
        Assert.Equal(path, report.Output.TrimEnd());
        Assert.Contains("<title>a, b - Andrea</title>", File.ReadAllText(path), StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(a, "report.html")));
    }

    [Fact]
    public async Task Report_NoSuchFolder_SaysSo() =>
        Assert.StartsWith($"There is no folder '{_folder["none"]}';", (await CliRun.Of("report", _folder["none"])).FailedWith(ExitCode.Failed), StringComparison.Ordinal);

    [Fact]
    public async Task Report_AFileInsteadOfAFolder_SaysSo()
    {
        string file = _folder.Write("book.txt", "x"u8);
        Assert.StartsWith($"'{file}' is a file;", (await CliRun.Of("report", file)).FailedWith(ExitCode.Failed), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Report_FolderWithoutRecords_SaysSoAndWritesNothing()
    {
        string run = PlantedRun.Write(_folder), empty = Directory.CreateDirectory(_folder["empty"]).FullName;
        Assert.StartsWith($"The folder '{empty}' has no records of a run", (await CliRun.Of("report", run, empty, "--out", _folder["x.html"])).FailedWith(ExitCode.Failed), StringComparison.Ordinal);
        Assert.False(File.Exists(_folder["x.html"]));
    }

    [Fact]
    public async Task Report_OutIsAFolder_SaysSo() =>
        Assert.StartsWith(
            $"'{_folder.Path}' is a folder;", (await CliRun.Of("report", PlantedRun.Write(_folder), "--out", _folder.Path)).FailedWith(ExitCode.Failed), StringComparison.Ordinal);
}
