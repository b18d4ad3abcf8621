using System.Globalization;
using Andrea.Data;
using Andrea.Reporting;
using Andrea.Tests.Support;
using Andrea.Training;
using Andrea.Training.Faults;
using Andrea.Training.Replay;

namespace Andrea.Tests.Training.Replay;

/// <summary>A small run in a folder of its own, for its steps to be made again.</summary>
internal sealed class RecordedRun(TokenDataset data) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public string Folder => _folder["run"];

    public void Train(TrainerOptions options, params Fault[] faults)
    {
        using Device device = Device.Cpu(1);
        using var trainer = new Trainer(device, SmallRun.Config, data, options with { RunFolder = Folder });
        trainer.Faults = new FaultPlan(1, faults);
        trainer.RunAsync(TestContext.Current.CancellationToken).GetAwaiter().GetResult();
    }

    public void GoOn(Func<TrainerOptions, TrainerOptions> change, bool onReference = false)
    {
        using Device device = onReference ? Device.Reference() : Device.Cpu(1);
        using Trainer trainer = Trainer.Resume(device, Folder, _ => data, change);
        trainer.RunAsync(TestContext.Current.CancellationToken).GetAwaiter().GetResult();
    }

    public ReplayResult Replay(long step, bool onReference = false)
    {
        using Device device = Device.Cpu(2);
        return StepReplay.Run(device, Folder, step, _ => data, onReference);
    }

    /// <summary>The last bit of a recorded number becomes the other one.</summary>
    public void Tamper(long step, string name)
    {
        string path = RunFolder.MetricsOf(Folder);
        string[] lines = File.ReadAllLines(path);
        int at = Array.FindIndex(lines, line => line.StartsWith(string.Create(CultureInfo.InvariantCulture, $"{{\"step\":{step},\"loss\":"), StringComparison.Ordinal));
        double value = System.Text.Json.JsonElement.Parse(lines[at]).Number(name)!.Value;
        string before = lines[at];
        lines[at] = before.Replace(Field(name, value), Field(name, Math.BitIncrement(value)), StringComparison.Ordinal);
        Assert.NotEqual(before, lines[at]);
        File.WriteAllLines(path, lines);
    }

    /// <summary>The steps that drew from a source.</summary>
    public List<long> StepsOf(string source)
    {
        var steps = new List<long>();
        JsonLines.Read(RunFolder.MetricsOf(Folder), (step, record) =>
        {
            if (record.Text("source") == source)
                steps.Add(step);
        });
        return steps;
    }

    public void Dispose() => _folder.Dispose();

    private static string Field(string name, double value) => string.Create(CultureInfo.InvariantCulture, $"\"{name}\":{value:R}");
}
