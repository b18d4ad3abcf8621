using System.Globalization;
using Andrea.Monitoring.Diagnosis;
using Andrea.Tests.Support;
using Andrea.Training;
using Andrea.Training.Replay;

namespace Andrea.Tests.Training.Replay;

/// <summary>What a run's files say was usual.</summary>
public sealed class RecordedStepsTests
{
    [Fact]
    public void NormsBefore_AreThoseOfTheStepsSource()
    {
        using var folder = new TemporaryFolder();
        // Steps 1 to 20 by turns of both sources; a norm tells its source and its step.
        string[] metrics = [.. Enumerable.Range(1, 20).Select(step => string.Create(
            CultureInfo.InvariantCulture, $$"""{"step":{{step}},"loss":1,"norm":1,"coefficient":1,"source":"{{(step % 2 == 0 ? "even" : "odd")}}"}"""))];
        string[] gradients = [.. Enumerable.Range(1, 20).Select(step => string.Create(
            CultureInfo.InvariantCulture, $$"""{"step":{{step}},"norm":[{{(step % 2 == 0 ? 1000 : 0) + step}},5]}"""))];
        Directory.CreateDirectory(folder.Path);
        File.WriteAllLines(RunFolder.MetricsOf(folder.Path), metrics);
        File.WriteAllLines(RunFolder.GradientsOf(folder.Path), ["""{"step":0,"tensors":["wte","wpe"]}""", .. gradients]);
        RecordedSteps recorded = RecordedSteps.Read(folder.Path);
        Assert.Equal([1.0, 3, 5, 7, 9], NormsOf("wte", 11));
        Assert.Equal([1002.0, 1004, 1006, 1008, 1010], NormsOf("wte", 12));
        Assert.Equal([5.0, 5, 5, 5, 5], NormsOf("wpe", 11));

        double[] NormsOf(string tensor, long step)
        {
            RobustWindow window = recorded.NormsBefore(folder.Path, step)[tensor];
            return window.InOrder();
        }
    }
}
