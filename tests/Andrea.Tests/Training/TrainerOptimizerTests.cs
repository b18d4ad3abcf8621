using System.Text.Json;
using System.Text.Json.Nodes;
using Andrea.Optim;
using Andrea.Tests.Optim;
using Andrea.Tests.Support;
using Andrea.Training;
using Andrea.Training.Checkpoints;

namespace Andrea.Tests.Training;

/// <summary>Runs with other optimizers than plain AdamW.</summary>
public class TrainerOptimizerTests
{
    [Theory]
    [MemberData(nameof(UpdateCase.Names), MemberType = typeof(UpdateCase))]
    public void Resume_WithAnyOptimizer_GivesTheBitsOfAStraightRun(string name)
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(2), other = Device.Cpu(3);
        TrainerOptions options = SmallRun.Options with { Optimizer = UpdateCase.All[name] with { WeightDecay = 0.1 } };
        using Trainer straight = SmallRun.Create(device, options);
        using (Trainer stopped = SmallRun.Create(device, options with { RunFolder = folder["run"] }))
        {
            for (int step = 0; step < 5; step++)
            {
                straight.TrainStep();
                stopped.TrainStep();
            }
            stopped.WriteCheckpoint();
        }
        using Trainer resumed = SmallRun.Resume(other, folder["run"]);
        Assert.Equal(Json(options), Json(resumed.Options));
        for (int step = 0; step < 5; step++)
        {
            straight.TrainStep();
            resumed.TrainStep();
        }
        Assert.Equal(straight.Bits(), resumed.Bits());
    }

    [Fact]
    public void Resume_AdamWsRunWithS3_IsRefusedButAStabilizerMayCome()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        using (Trainer trainer = SmallRun.Create(device, SmallRun.Options with { RunFolder = folder["run"] }))
        {
            trainer.TrainStep();
            trainer.WriteCheckpoint();
        }
        Trainer Resume(OptimizerOptions optimizer) =>
            Trainer.Resume(device, folder["run"], _ => SmallRun.Data, options => options with { Optimizer = optimizer });
        var error = Assert.Throws<ArgumentException>(() => Resume(new SoftSignOptions()));
        Assert.Equal("The run was made with AdamW, whose moments say nothing to S3. Keep the optimizer, or start a new run.", error.Message);
        using Trainer resumed = Resume(new AdamWOptions { Stabilizer = new StableSpamStabilizer() });
        resumed.TrainStep();
        Assert.Equal(2, resumed.Step);
    }

    [Fact]
    public void Options_OfACheckpointFromBeforeTheChoice_AreAdamWs()
    {
        JsonObject json = JsonSerializer.SerializeToNode(
            SmallRun.Options with { Optimizer = new AdamWOptions { Beta2 = 0.95, Groups = [new ParameterGroup("wte", 0.5)] } },
            CheckpointJson.Default.TrainerOptions)!.AsObject();
        JsonObject optimizer = json["optimizer"]!.AsObject();
        Assert.Equal("adamw", (string?)optimizer["kind"]);
        // What such a checkpoint holds, and no more.
        foreach (string name in (string[])["kind", "stabilizer"])
            Assert.True(optimizer.Remove(name));
        Assert.Equal(["beta1", "beta2", "epsilon", "groups", "useGraph", "weightDecay"], optimizer.Select(property => property.Key).Order());
        var read = Assert.IsType<AdamWOptions>(json.Deserialize(CheckpointJson.Default.TrainerOptions)!.Optimizer);
        Assert.Equal((0.95, "wte", null), (read.Beta2, read.Groups.Single().Pattern, read.Stabilizer));
        Assert.IsType<AdamWOptions>(JsonSerializer.Deserialize("{}", CheckpointJson.Default.TrainerOptions)!.Complete().Optimizer);
    }

    [Fact]
    public void StateOfTheOptimizer_InACheckpoint_HasTheNamesItAlwaysHad()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(
            device, SmallRun.Options with { RunFolder = folder["run"], Optimizer = new AdamWOptions { Stabilizer = new StableSpamStabilizer() } });
        trainer.TrainStep();
        JsonObject state = JsonNode.Parse(File.ReadAllBytes(Path.Combine(trainer.WriteCheckpoint(), "state.json")))!["state"]!.AsObject();
        Assert.Equal("""{"appliedSteps":1,"beta1Power":0.9,"beta2Power":0.999}""", state["optimizer"]!.ToJsonString());
        Assert.Equal(6 * trainer.Model.Parameters.Count, state["stabilizer"]!.AsArray().Count);
        // Checkpoints from before there were stabilizers.
        Assert.True(state.Remove("stabilizer"));
        CheckpointState read = state.Deserialize(CheckpointJson.Default.CheckpointState)!;
        Assert.Equal(new OptimizerCounters(1, 0.9, 0.999), read.Optimizer);
        Assert.Null(read.Stabilizer);
    }

    [Fact]
    public void Options_OfAnUnknownOptimizer_AreRefusedByName()
    {
        var error = Assert.Throws<CheckpointFormatException>(
            () => JsonSerializer.Deserialize("""{"optimizer":{"kind":"muon"}}""", CheckpointJson.Default.TrainerOptions));
        Assert.Contains("the optimizer 'muon'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ExportAndrea_OfS3_IsRefused()
    {
        using var folder = new TemporaryFolder();
        using Device device = Device.Cpu(1);
        using Trainer trainer = SmallRun.Create(device, SmallRun.Options with { Optimizer = new SoftSignOptions() });
        Assert.Contains("is S3", Assert.Throws<InvalidOperationException>(() => trainer.ExportAndrea(folder.Path)).Message, StringComparison.Ordinal);
    }

    private static string Json(TrainerOptions options) => JsonSerializer.Serialize(options, CheckpointJson.Default.TrainerOptions);
}
