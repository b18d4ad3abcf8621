using System.Diagnostics;
using System.Globalization;
using Andrea.CrashHost;
using Andrea.Numerics;
using Andrea.Tensors;
using Andrea.Training.Checkpoints;

namespace Andrea.Tests.Training.Checkpoints;

/// <summary>Kills a process that saves checkpoints, again and again, and looks at what it left.</summary>
public sealed class CheckpointCrashTests : IDisposable
{
    private const int KillCount = 15;
    private const int LongestDelayMs = 120;

    private readonly string _folder = Directory.CreateTempSubdirectory("andrea-crash-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Kill_AtAnyMoment_LeavesEveryListedCheckpointWholeAndTheLatestReported()
    {
        using Device device = Device.Cpu(1);
        CheckpointTensors tensors = CheckpointLoop.CreateTensors(device);
        using ParameterArena parameters = tensors.Parameters, firstMoments = tensors.FirstMoments, secondMoments = tensors.SecondMoments;
        var store = new CheckpointStore(_folder, keepLast: 2);
        var random = new Philox(20261122);
        int leftovers = 0;
        long lastReported = 0;
        for (int kill = 0; kill < KillCount; kill++)
        {
            long reported = SaveUntilKilled(TimeSpan.FromMilliseconds(random.NextDouble() * LongestDelayMs));
            Assert.True(reported > lastReported, $"the process saved nothing before kill {kill}");
            lastReported = reported;
            leftovers += Directory.GetDirectories(_folder, ".tmp-*").Length;
            foreach (CheckpointEntry entry in store.List())
                AssertWhole(entry, tensors);
            Assert.True(store.Latest()!.Name.Step >= reported, $"step {reported} was reported as saved, and {store.Latest()!.Name} is the latest");
            // Every third step is better than all before it.
            Assert.True(store.Best()!.Name.Step >= reported / 3 * 3, $"step {reported / 3 * 3} was the best, and now {store.Best()!.Name} is");
        }
        // A control: if no kill ever hit a save, this test has shown nothing.
        Assert.True(leftovers > 0, $"none of {KillCount} kills interrupted a save");
    }

    private static void AssertWhole(CheckpointEntry entry, CheckpointTensors tensors)
    {
        CheckpointState state = CheckpointFolder.Load(entry.Path, tensors);
        Assert.Equal(entry.Name.Step, state.Step);
        Assert.Equal(CheckpointLoop.StateOf(state.Step).Optimizer, state.Optimizer);
        Assert.True(AllAre(tensors.Parameters, CheckpointLoop.ParameterOf(state.Step)));
        Assert.True(AllAre(tensors.FirstMoments, CheckpointLoop.FirstMomentOf(state.Step)));
        Assert.True(AllAre(tensors.SecondMoments, CheckpointLoop.SecondMomentOf(state.Step)));
    }

    private static bool AllAre(ParameterArena arena, float value) =>
        Enumerable.Range(0, arena.Count).All(tensor => !arena[tensor].ToArray().AsSpan().ContainsAnyExcept(value));

    /// <summary>Starts the process, waits for its first save and a little longer, kills it (SIGKILL), and returns the last step that it
    /// reported.</summary>
    private long SaveUntilKilled(TimeSpan delay)
    {
        string dotnet = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? Environment.ProcessPath! : "dotnet";
        var start = new ProcessStartInfo(dotnet, ["exec", Path.Combine(AppContext.BaseDirectory, "Andrea.CrashHost.dll"), _folder])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadLine() + "\n";
        Thread.Sleep(delay);
        process.Kill();
        output += process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(output.StartsWith("saved ", StringComparison.Ordinal), $"the process did not save: {output}{errors.Result}");
        // What follows the last line end may be half a number.
        string line = output[..output.LastIndexOf('\n')].Split('\n')[^1];
        return long.Parse(line["saved ".Length..], CultureInfo.InvariantCulture);
    }
}
