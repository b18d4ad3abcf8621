using System.Text;
using System.Text.Json;
using Andrea.Reporting;
using Andrea.Tests.Support;

namespace Andrea.Tests.Reporting;

/// <summary>A run's folder is read as it was left, whatever is missing, cut or foreign.</summary>
public sealed class RunDataTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_WholeRun_HasEveryColumnAndEvent()
    {
        RunData run = RunData.Read(PlantedRun.Write(_folder));
        Assert.Equal("planted", run.Name);
        Assert.Equal(Enumerable.Range(1, PlantedRun.Steps).Select(step => (long)step), run.Steps.Step);
        Assert.Equal(PlantedRun.LossOf(7), run.Steps.Loss[6]);
        Assert.Equal(double.NaN, run.Steps.Loss[PlantedRun.NaNStep - 1]);
        Assert.Equal((0.5, 4.0, 1.0, 0.25), (run.Steps.Norm[0], run.Steps.Norm[4], run.Steps.NormAfter[4], run.Steps.Coefficient[4]));
        Assert.Equal((PlantedRun.ClipRateOf(4), PlantedRun.RateOf(4), 2000.0), (run.Steps.ClipRate[3], run.Steps.LearningRate[3], run.Steps.TokensPerSecond[3]));
        Assert.Equal((1L, 4000L, 1.8), (run.Steps.SkippedCount, run.Steps.Tokens, run.Steps.Duration.TotalSeconds));
        Assert.Equal([10L, 20L, 30L, 40L], run.Evaluations.Select(item => item.Step));
        Assert.Equal(PlantedRun.ValidationLossOf(40), run.BestValidationLoss!.Value, 12);
        Assert.Equal("once upon a time", Assert.Single(run.Samples).Text);
        Assert.Equal(double.PositiveInfinity, Assert.Single(run.Spikes).ZScore);
        Assert.Equal(1, run.VerdictCount);
        Assert.Equal(PlantedRun.Tensors, run.Tensors.Select(tensor => tensor.Name));
        Assert.Equal([null, 0, 1, null], run.Tensors.Select(tensor => tensor.Depth));
        Assert.Equal((40L, 0, false), (run.GradientRecordCount, run.ForeignLines, run.IsEmpty));
        Assert.Equal("a device", run.Description!.Value.GetProperty("device").GetString());
    }

    [Theory]
    [InlineData("run.json")]
    [InlineData("metrics.jsonl")]
    [InlineData("gradients.jsonl")]
    public void Read_AFileIsMissing_ReadsTheOthers(string missing)
    {
        string path = PlantedRun.Write(_folder);
        File.Delete(Path.Combine(path, missing));
        RunData run = RunData.Read(path);
        Assert.Equal(missing == "run.json", run.Description is null);
        Assert.Equal(missing == "metrics.jsonl" ? 0 : 40, run.Steps.Step.Count);
        Assert.Equal(missing == "gradients.jsonl" ? 0 : 40, run.GradientRecordCount);
        Assert.False(run.IsEmpty);
        Assert.Contains("planted", RunPage.Html([run], live: false), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("run.json")]
    [InlineData("metrics.jsonl")]
    [InlineData("gradients.jsonl")]
    public async Task Read_AFileIsAPipeOrADevice_ReadsTheOthers(string special)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "There are no named pipes in folders, or no /dev/full, here.");
        string path = PlantedRun.Write(_folder);
        string file = Path.Combine(path, special);
        string moved = _folder["moved"];
        File.Move(file, moved);
        using (var process = System.Diagnostics.Process.Start("mkfifo", [file]))
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        await CheckWithout(path, special);
        File.Delete(file);
        File.CreateSymbolicLink(file, "/dev/full");
        await CheckWithout(path, special);
        // A link to a regular file is one.
        File.Delete(file);
        File.CreateSymbolicLink(file, moved);
        RunData run = RunData.Read(path);
        Assert.Equal((40, 40L, true), (run.Steps.Step.Count, run.GradientRecordCount, run.Description is not null));
    }

    private static async Task CheckWithout(string path, string special)
    {
        // On another thread, since without the check it never returns from a pipe.
        RunData run = await Task.Run(() => RunData.Read(path)).WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(special == "run.json", run.Description is null);
        Assert.Equal(special == "metrics.jsonl" ? 0 : 40, run.Steps.Step.Count);
        Assert.Equal(special == "gradients.jsonl" ? 0 : 40, run.GradientRecordCount);
    }

    [Fact]
    public void Read_EmptyFolder_IsEmptyAndStillMakesAPage()
    {
        RunData run = RunData.Read(_folder.Path);
        Assert.True(run.IsEmpty);
        Assert.Null(run.BestValidationLoss);
        Assert.Contains("</html>", RunPage.Html([run], live: true), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"step\":41,\"loss\":1.0,\"no")]
    [InlineData("half a line\n[1,2]\n{\"loss\":3}\n{\"step\":\"x\",\"loss\":3}")]
    [InlineData("\0\0\0\0\n")]
    [InlineData("{\"step\":1e99,\"loss\":3}\n")]
    [InlineData("{\"step\":9000000000000000,\"loss\":3}\n{\"step\":9000000000000000,\"spike\":\"loss\",\"value\":1}\n")]
    public void Read_ForeignOrCutLines_ArePassedOverAndCounted(string planted)
    {
        string path = PlantedRun.Write(_folder);
        long whole = new FileInfo(Path.Combine(path, "metrics.jsonl")).Length;
        File.AppendAllText(Path.Combine(path, "metrics.jsonl"), planted);
        RunData run = RunData.Read(path);
        Assert.Equal(40, run.Steps.Step.Count);
        Assert.Equal(planted.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length, run.ForeignLines);
        long position = Json(run).GetProperty("position").GetProperty("metrics").GetInt64();
        Assert.Equal(whole + planted.LastIndexOf('\n') + 1, position);
    }

    [Fact]
    public void Read_LastLineWithoutItsEnd_IsReadAndNotCountedInThePosition()
    {
        _folder.Write("run/metrics.jsonl", "{\"step\":1,\"loss\":2}\n{\"step\":2,\"loss\":3}"u8);
        RunData run = RunData.Read(_folder["run"]);
        Assert.Equal([1L, 2L], run.Steps.Step);
        Assert.Equal(20, Json(run).GetProperty("position").GetProperty("metrics").GetInt64());
        Assert.Equal(((double?)null, (double?)null), (run.Steps.Norm[0], run.Steps.TokensPerSecond[0]));
    }

    [Fact]
    public void Read_LineLongerThanTheBuffer_IsRead()
    {
        string text = new('x', 300_000);
        _folder.Write("run/metrics.jsonl", Encoding.UTF8.GetBytes($"{{\"step\":1,\"loss\":2}}\n{{\"step\":1,\"sample\":\"{text}\"}}\n{{\"step\":2,\"loss\":1}}\n"));
        RunData run = RunData.Read(_folder["run"]);
        Assert.Equal(text, Assert.Single(run.Samples).Text);
        Assert.Equal(2, run.Steps.Step.Count);
    }

    [Fact]
    public void Read_ResumedRunWithOtherTensors_KeepsEachInItsPlace()
    {
        _folder.Write("run/gradients.jsonl", """
            {"step":0,"tensors":["a","b"],"lengths":[1,2],"depths":[null,0]}
            {"step":1,"norm":[1,2],"max":[1,2]}
            {"step":1,"tensors":["c","a"],"lengths":[3,1],"depths":[1,null]}
            {"step":2,"norm":[30,10],"max":[3,1]}
            """u8);
        RunData run = RunData.Read(_folder["run"]);
        Assert.Equal(["a", "b", "c"], run.Tensors.Select(tensor => tensor.Name));
        JsonElement norms = Json(run).GetProperty("gradients").GetProperty("norm");
        Assert.Equal("[[1,2],[10,null,30]]", norms.GetRawText());
    }

    [Fact]
    public void Read_RecordsBeforeAHeader_AreLeftOut()
    {
        _folder.Write("run/gradients.jsonl", "{\"step\":1,\"norm\":[1,2],\"max\":[1,2]}\n"u8);
        Assert.Equal(0, RunData.Read(_folder["run"]).GradientRecordCount);
    }

    [Fact]
    public void Json_LongRun_KeepsExtremesAndNonFiniteValues()
    {
        const int Steps = 50_000;
        IEnumerable<string> lines = Enumerable.Range(1, Steps).Select(step => step switch
        {
            12_345 => """{"step":12345,"loss":99,"norm":1,"coefficient":1}""",
            23_456 => """{"step":23456,"loss":-5,"norm":1,"coefficient":1}""",
            34_567 => """{"step":34567,"loss":2,"norm":"Infinity","coefficient":0,"skipped":true}""",
            // Nothing else of this row is extreme.
            45_678 => """{"step":45678,"loss":"NaN","norm":1,"coefficient":1,"skipped":false}""",
            _ => $"{{\"step\":{step},\"loss\":2,\"norm\":1,\"coefficient\":1,\"skipped\":false}}",
        });
        Directory.CreateDirectory(_folder["run"]);
        File.WriteAllLines(Path.Combine(_folder["run"], "metrics.jsonl"), lines);
        RunData run = RunData.Read(_folder["run"]);
        JsonElement steps = Json(run).GetProperty("steps");
        long[] shown = [.. steps.GetProperty("step").EnumerateArray().Select(step => step.GetInt64())];
        Assert.InRange(shown.Length, 400, StepColumns.UnthinnedRows);
        Assert.Equal(shown.Order().Distinct(), shown);
        Assert.Superset(new HashSet<long> { 1, 12_345, 23_456, 34_567, 45_678, Steps }, shown.ToHashSet());
        Assert.Equal("NaN", steps.GetProperty("loss")[Array.IndexOf(shown, 45_678)].GetString());
        Assert.Equal("Infinity", steps.GetProperty("norm")[Array.IndexOf(shown, 34_567)].GetString());
        Assert.Equal(Steps, Json(run).GetProperty("totals").GetProperty("steps").GetInt64());
    }

    [Fact]
    public void Json_ManyGradientRecords_AreBinnedByTheLargestAndKeepNaN()
    {
        RunData run = RunData.Read(PlantedRun.Write(_folder, steps: 1300));
        JsonElement gradients = Json(run).GetProperty("gradients");
        int columns = gradients.GetProperty("first").GetArrayLength();
        Assert.InRange(columns, BinnedRows.MaxColumns / 2, BinnedRows.MaxColumns);
        Assert.Equal(4, gradients.GetProperty("stride").GetInt32());
        Assert.Equal(1300, gradients.GetProperty("records").EnumerateArray().Sum(count => count.GetInt32()));
        // Steps 17 to 20 are the fifth column.
        Assert.Equal((17, 20), (gradients.GetProperty("first")[4].GetInt32(), gradients.GetProperty("last")[4].GetInt32()));
        Assert.Equal("NaN", gradients.GetProperty("norm")[4][1].GetString());
        Assert.Equal(3, gradients.GetProperty("norm")[4][0].GetDouble());
        Assert.Equal(0, gradients.GetProperty("norm")[100][2].GetDouble());
    }

    [Fact]
    public void Json_UpdateRatioOfAGroup_IsThatOfItsTensorsAsOneVector()
    {
        _folder.Write("run/gradients.jsonl", """
            {"step":0,"tensors":["h.0.a","h.0.b","z"],"lengths":[1,1,1],"depths":[0,0,null]}
            {"step":1,"norm":[1,1,1],"max":[1,1,1],"weight":[3,4,0],"update":[0.3,0.4,1],"rms":[1,1,1],"vRatio":[1,1,"NaN"]}
            """u8);
        JsonElement updates = Json(RunData.Read(_folder["run"])).GetProperty("updates");
        Assert.Equal("[[0.1,0.1,null]]", updates.GetProperty("ratio").GetRawText());
        Assert.Equal("[[0.1,null]]", updates.GetProperty("group").GetRawText());
        Assert.Equal("[[1,1,\"NaN\"]]", updates.GetProperty("vRatio").GetRawText());
    }

    [Fact]
    public void Read_NoSuchFolder_SaysSo() =>
        Assert.Contains("nowhere", Assert.Throws<DirectoryNotFoundException>(() => RunData.Read(_folder["nowhere"])).Message, StringComparison.Ordinal);

    [Fact]
    public void Read_WhileTheFileIsBeingWritten_Works()
    {
        string path = PlantedRun.Write(_folder);
        using var writer = new FileStream(Path.Combine(path, "metrics.jsonl"), FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
        Assert.Equal(40, RunData.Read(path).Steps.Step.Count);
    }

    private static JsonElement Json(RunData run)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
            run.WriteJson(json, run.Name);
        using JsonDocument document = JsonDocument.Parse(stream.ToArray());
        return document.RootElement.Clone();
    }
}
