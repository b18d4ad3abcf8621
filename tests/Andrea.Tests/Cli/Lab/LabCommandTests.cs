using Andrea.Cli;
using Andrea.Cli.Lab.Runs;
using Andrea.Data;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cli.Lab;

public sealed class LabCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("--seeds", "0", "'0' is not a value of --seeds; expected a whole number from 1 to 1000")]
    [InlineData("--steps", "47", "'47' is not a value of --steps; expected a whole number from 48 to 1000000")]
    [InlineData("--out", "", "The path after --out is empty")]
    public async Task Command_WithAWrongOption_SaysWhatWouldBeRight(string option, string value, string expected)
    {
        foreach (string lab in new[] { "collapse", "spikes" })
        {
            string message = (await CliRun.Of("lab", lab, "--quick", option, value)).FailedWith(ExitCode.WrongUsage);
            Assert.Contains(expected, message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Command_IntoAFile_IsRefusedBeforeAnyRun()
    {
        string file = _folder.Write("taken", "x"u8);
        foreach (string lab in new[] { "collapse", "spikes" })
        {
            string message = (await CliRun.Of("lab", lab, "--quick", "--out", file)).FailedWith(ExitCode.Failed);
            Assert.Equal($"'{file}' is a file; expected a folder after --out, to write the results into.", message);
        }
        Assert.Equal("x", File.ReadAllText(file));
    }

    [Fact]
    public async Task Collapse_Quick_WritesTableCurvesAndPage()
    {
        CliRun run = (await CliRun.Of("lab", "collapse", "--quick", "--steps", "48", "--out", _folder["results"])).Succeeded();
        Assert.Contains("## What follows", run.Output, StringComparison.Ordinal);
        Assert.Equal(["lab-collapse-loss.csv", "lab-collapse-norm.csv", "lab-collapse.html", "lab-collapse.md"],
            Directory.EnumerateFileSystemEntries(_folder["results"]).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal));
        string table = File.ReadAllText(Path.Combine(_folder["results"], "lab-collapse.md"));
        Assert.StartsWith(table, run.Output, StringComparison.Ordinal);
        Assert.Contains($"Made by `andrea lab collapse --quick --steps 48 --out {_folder["results"]}`", table, StringComparison.Ordinal);
        string[] curves = File.ReadAllLines(Path.Combine(_folder["results"], "lab-collapse-loss.csv"));
        Assert.Equal(49, curves.Length);
        Assert.Contains("\"v2 | width 32 | seed 1\"", curves[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Output_WhereAKilledLabLeftItsRuns_BeginsWithoutThem()
    {
        string left = Path.Combine(Directory.CreateDirectory(_folder[".lab-runs/v1"]).FullName, "metrics.jsonl");
        File.WriteAllText(left, "{}");
        File.WriteAllText(_folder[".lab-lock"], "");
        using (var output = new LabOutput(CliRun.Nowhere(), "lab", _folder.Path, "andrea lab"))
        {
            Assert.Equal(_folder[".lab-runs"], output.RunsFolder);
            Assert.False(Directory.Exists(output.RunsFolder));
            Directory.CreateDirectory(output.RunsFolder!);
        }
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void Output_WhereAnotherLabRuns_IsRefusedAndLeavesItsRunsAlone()
    {
        using (var first = new LabOutput(CliRun.Nowhere(), "lab-collapse", _folder.Path, "andrea lab"))
        {
            Directory.CreateDirectory(first.RunsFolder!);
            string message = Assert.Throws<CommandException>(() => new LabOutput(CliRun.Nowhere(), "lab-collapse", _folder.Path, "andrea lab")).Message;
            Assert.StartsWith($"Another lab-collapse is writing into '{_folder.Path}', or it cannot be locked (", message, StringComparison.Ordinal);
            Assert.EndsWith("wait until it has ended, or give another folder after --out.", message, StringComparison.Ordinal);
            Assert.True(Directory.Exists(first.RunsFolder));
            // Its files have other names.
            new LabOutput(CliRun.Nowhere(), "lab-spikes", _folder.Path, "andrea lab").Dispose();
        }
        new LabOutput(CliRun.Nowhere(), "lab-collapse", _folder.Path, "andrea lab").Dispose();
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task Spikes_Quick_WritesTableAndCurves()
    {
        CliRun run = (await CliRun.Of("lab", "spikes", "--quick", "--steps", "48", "--out", _folder["results"])).Succeeded();
        Assert.Contains("**First choice: ", run.Output, StringComparison.Ordinal);
        Assert.Equal(["lab-spikes-loss.csv", "lab-spikes-norm.csv", "lab-spikes.md"],
            Directory.EnumerateFileSystemEntries(_folder["results"]).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Session_WithAnArmThatFails_TellsItsError()
    {
        TokenDataset tooShort = TokenDataset.FromText("ab", "char");
        var arm = new LabArm("short", new() { VocabularySize = 1, ContextLength = 8, ChannelCount = 4, HeadCount = 1, LayerCount = 1 }, tooShort, new());
        var thrown = Assert.Throws<AggregateException>(() => new LabSession(CliRun.Nowhere()).Run("runs", [arm, arm, arm]));
        Assert.IsType<TrainingDataException>(thrown.InnerException);
    }

    [Fact]
    public void Spread_OfWhatIsNotFinite_CountsItAsLargest()
    {
        Assert.Equal(2, Spread.Median([1, double.NaN, 2]));
        Assert.Equal(double.PositiveInfinity, Spread.Median([1, double.NaN]));
        Assert.Equal("2.00 (1.00 to inf)", Spread.Of([double.NaN, 2, 1]));
        Assert.Equal("1.00", Spread.Of([1, 1.001]));
        Assert.Equal("-", Spread.Of([]));
    }
}
