using System.Text.Json;
using System.Text.Json.Nodes;
using Andrea.Tensors;
using Andrea.Training.Checkpoints;

namespace Andrea.Tests.Training.Checkpoints;

public sealed class CheckpointFolderTests : IDisposable
{
    private static readonly string[] Files = ["model.safetensors", "optimizer.safetensors", "state.json"];

    private readonly CheckpointFixture _fixture = new();

    private string Folder => _fixture.PathOf("checkpoint");

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public void WriteAndLoad_EveryKindOfFloat_KeepsEveryBit()
    {
        CheckpointTensors written = _fixture.Tensors(), read = _fixture.Tensors(salt: 1000);
        CheckpointFixture.FillAwkward(written.Parameters);
        CheckpointFixture.FillAwkward(written.SecondMoments);
        Write(CheckpointFixture.State(), written);
        CheckpointFolder.Load(Folder, read);
        Assert.Equal(CheckpointFixture.Bits(written), CheckpointFixture.Bits(read));
        Assert.Equal(Files.Order(), Directory.GetFileSystemEntries(Folder).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void LoadParameters_WithoutTheOptimizersFile_LoadsTheModel()
    {
        CheckpointTensors written = _fixture.Tensors(), read = _fixture.Tensors(salt: 1000);
        Write(CheckpointFixture.State(), written);
        File.Delete(Path.Combine(Folder, "optimizer.safetensors"));
        Assert.Equal(100, CheckpointFolder.LoadParameters(Folder, read.Parameters).Step);
        Assert.Equal(CheckpointFixture.Bits(written.Parameters), CheckpointFixture.Bits(read.Parameters));
        Assert.Throws<CheckpointFormatException>(() => CheckpointFolder.Load(Folder, read));
    }

    [Theory]
    [InlineData(0.1 + 0.2)]
    [InlineData(1.0 / 3)]
    [InlineData(double.Epsilon)]
    [InlineData(double.MaxValue)]
    [InlineData(-0.0)]
    [InlineData(0.99900000000000011)]
    public void State_AnyDouble_RoundTripsExactly(double value)
    {
        CheckpointState written = CheckpointFixture.State() with
        {
            Optimizer = new OptimizerCounters(long.MaxValue, value, Math.BitDecrement(value)),
            BestValidationLoss = value,
            LossEma = value,
        };
        Write(written, _fixture.Tensors());
        CheckpointState read = CheckpointFolder.ReadState(Folder);
        Assert.Equal(BitConverter.DoubleToInt64Bits(value), BitConverter.DoubleToInt64Bits(read.Optimizer.Beta1Power));
        Assert.Equal(BitConverter.DoubleToInt64Bits(Math.BitDecrement(value)), BitConverter.DoubleToInt64Bits(read.Optimizer.Beta2Power));
        Assert.Equal(BitConverter.DoubleToInt64Bits(value), BitConverter.DoubleToInt64Bits(read.LossEma!.Value));
        Assert.Equal(written.BestValidationLoss, read.BestValidationLoss);
    }

    [Fact]
    public void State_EveryField_RoundTrips()
    {
        using JsonDocument tokenizer = JsonDocument.Parse("""{"kind":"bytes","segments":["ä","\n"],"scale":1e-5}""");
        CheckpointState written = CheckpointFixture.State() with
        {
            Config = CheckpointFixture.Config with
            {
                Norm = NormKind.RmsNorm, Activation = ActivationKind.Relu, TiedHead = true, NormEpsilon = 1e-6f,
            },
            Tokenizer = tokenizer.RootElement,
            Trainer = null,
            CreatedAt = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
            Versions = CheckpointVersions.Current,
        };
        Write(written, _fixture.Tensors());
        CheckpointState read = CheckpointFolder.ReadState(Folder);
        Assert.True(JsonElement.DeepEquals(tokenizer.RootElement, read.Tokenizer!.Value));
        Assert.Equal(written with { Tokenizer = null }, read with { Tokenizer = null });
    }

    [Fact]
    public void StateJson_NonFiniteLoss_IsValidJsonAndMarked()
    {
        Write(CheckpointFixture.State(validationLoss: double.NaN) with { LossEma = double.PositiveInfinity }, _fixture.Tensors());
        JsonNode json = JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "state.json")))!;
        Assert.Equal("NaN", (string?)json["state"]!["validationLoss"]);
        Assert.False((bool)json["state"]!["finite"]!);
        CheckpointState read = CheckpointFolder.ReadState(Folder);
        Assert.Equal(double.PositiveInfinity, read.LossEma);
        Assert.False(read.Finite);
    }

    [Theory]
    [InlineData(0, 0, float.NaN)]
    [InlineData(1, 22, float.PositiveInfinity)]
    [InlineData(2, 7, float.NegativeInfinity)]
    public void Write_NonFiniteElement_MarksTheCheckpoint(int arena, int element, float value)
    {
        CheckpointTensors tensors = _fixture.Tensors();
        Assert.True(Write(CheckpointFixture.State(), tensors).Finite);
        Directory.Delete(Folder, recursive: true);
        ParameterArena[] arenas = [tensors.Parameters, tensors.FirstMoments, tensors.SecondMoments];
        CheckpointFixture.Fill(arenas[arena], index => index == element ? value : 1);
        Assert.False(Write(CheckpointFixture.State(), tensors).Finite);
        Assert.False(CheckpointFolder.ReadState(Folder).Finite);
    }

    [Fact]
    public void Load_EveryTruncationOfEveryFile_IsRefusedAndLeavesTheArenas()
    {
        Write(CheckpointFixture.State(), _fixture.Tensors());
        var target = new Target(_fixture, Folder);
        foreach (string file in Files)
        {
            string path = Path.Combine(Folder, file);
            byte[] intact = File.ReadAllBytes(path);
            for (int length = intact.Length - 1; length >= 0; length--)
            {
                using (FileStream stream = File.OpenWrite(path))
                    stream.SetLength(length);
                target.AssertRefused(file);
            }
            File.WriteAllBytes(path, [.. intact, 0]);
            target.AssertRefused(file);
            File.WriteAllBytes(path, intact);
        }
        target.AssertLoads();
    }

    [Fact]
    public void Load_EveryFlippedBitOfEveryFile_IsRefusedAndLeavesTheArenas()
    {
        Write(CheckpointFixture.State(), _fixture.Tensors());
        var target = new Target(_fixture, Folder);
        foreach (string file in Files)
        {
            string path = Path.Combine(Folder, file);
            byte[] intact = File.ReadAllBytes(path);
            for (int bit = 0; bit < 8 * intact.Length; bit++)
            {
                FlipBit(path, bit);
                target.AssertRefused(file);
                FlipBit(path, bit);
            }
            Assert.Equal(intact, File.ReadAllBytes(path));
        }
        target.AssertLoads();
    }

    [Fact]
    public void Load_FlippedBitsOfALargerCheckpoint_AreRefusedAndLeaveTheArenas()
    {
        var layout = new ParameterLayout();
        layout.Add("large", new TensorShape(700, 701));
        Write(CheckpointFixture.State(), _fixture.Tensors(layout: layout));
        var target = new Target(_fixture, Folder, layout);
        foreach (string file in Files)
        {
            string path = Path.Combine(Folder, file);
            long bits = 8 * new FileInfo(path).Length;
            foreach (long bit in (ReadOnlySpan<long>)[0, bits / 7, bits / 2, bits - 1 - bits / 3, bits - 1])
            {
                FlipBit(path, bit);
                target.AssertRefused(file);
                FlipBit(path, bit);
            }
        }
        target.AssertLoads();
    }

    [Fact]
    public void Load_MissingFile_IsRefusedByName()
    {
        Write(CheckpointFixture.State(), _fixture.Tensors());
        var target = new Target(_fixture, Folder);
        foreach (string file in Files)
        {
            File.Move(Path.Combine(Folder, file), _fixture.PathOf("aside"));
            target.AssertRefused(file);
            File.Move(_fixture.PathOf("aside"), Path.Combine(Folder, file));
        }
        target.AssertLoads();
    }

    [Fact]
    public void Load_FilesOfAnotherCheckpoint_AreRefused()
    {
        Write(CheckpointFixture.State(), _fixture.Tensors());
        CheckpointFolder.Write(CheckpointDisk.Real, _fixture.PathOf("other"), CheckpointFixture.State(), _fixture.Tensors(salt: 3));
        File.Copy(Path.Combine(_fixture.PathOf("other"), Files[1]), Path.Combine(Folder, Files[1]), overwrite: true);
        new Target(_fixture, Folder).AssertRefused(Files[1]);
    }

    [Fact]
    public void Load_NoFolder_IsRefused() => new Target(_fixture, _fixture.PathOf("nowhere")).AssertRefused("there is no such folder");

    [Fact]
    public void Load_AnotherProgramsFolder_IsRefused()
    {
        Directory.CreateDirectory(Folder);
        File.WriteAllText(Path.Combine(Folder, "config.json"), "{}");
        new Target(_fixture, Folder).AssertRefused("it has no state.json");
        File.WriteAllText(Path.Combine(Folder, "state.json"), """{"epoch": 3}""");
        new Target(_fixture, Folder).AssertRefused("another program's");
    }

    [Fact]
    public void Load_AnotherFormatVersion_IsRefusedByItsNumber()
    {
        Write(CheckpointFixture.State(), _fixture.Tensors());
        Reseal(manifest => manifest with { FormatVersion = 2 });
        new Target(_fixture, Folder).AssertRefused("format version 2; this version of Andrea reads 1");
    }

    [Fact]
    public void Load_AnotherFormat_IsRefused()
    {
        Write(CheckpointFixture.State(), _fixture.Tensors());
        Reseal(manifest => manifest with { Format = "other" });
        new Target(_fixture, Folder).AssertRefused("format 'other'");
    }

    [Fact]
    public void Load_ImpossibleConfiguration_IsRefused()
    {
        Write(CheckpointFixture.State(), _fixture.Tensors());
        Reseal(manifest => manifest with { State = manifest.State with { Config = CheckpointFixture.Config with { HeadCount = 0 } } });
        new Target(_fixture, Folder).AssertRefused("HeadCount");
    }

    [Fact]
    public void Load_UnlistedFile_IsRefused()
    {
        Write(CheckpointFixture.State(), _fixture.Tensors());
        Reseal(manifest => manifest with { Files = [] });
        new Target(_fixture, Folder).AssertRefused("does not list model.safetensors");
    }

    [Fact]
    public void Load_OtherShapes_IsRefusedWithBoth()
    {
        Write(CheckpointFixture.State(), _fixture.Tensors());
        new Target(_fixture, Folder, CheckpointFixture.SmallLayout(vectorLength: 6)).AssertRefused("has shape (5); this model expects (6)");
    }

    [Fact]
    public void Load_OtherNames_IsRefused()
    {
        Write(CheckpointFixture.State(), _fixture.Tensors());
        var target = new Target(_fixture, Folder, CheckpointFixture.SmallLayout(vectorName: "ln_f.weight"));
        target.AssertRefused("'h.0.ln_1.weight' that this model lacks");
    }

    [Fact]
    public void Load_IntactMomentsOfAnotherModel_AreRefusedBeforeTheParametersAreRead()
    {
        CheckpointTensors own = _fixture.Tensors(), other = _fixture.Tensors(layout: CheckpointFixture.SmallLayout(vectorLength: 6));
        Write(CheckpointFixture.State(), own with { FirstMoments = other.FirstMoments, SecondMoments = other.SecondMoments });
        new Target(_fixture, Folder).AssertRefused("'m.h.0.ln_1.weight'");
    }

    [Fact]
    public void StateJson_EditedByHand_IsRefused()
    {
        Write(CheckpointFixture.State(), _fixture.Tensors());
        string path = Path.Combine(Folder, "state.json");
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"step\": 100", "\"step\": 101", StringComparison.Ordinal));
        new Target(_fixture, Folder).AssertRefused("damaged, or was edited");
    }

    [Fact]
    public void StateJson_Names_AreCamelCase()
    {
        Write(CheckpointFixture.State(), _fixture.Tensors());
        JsonObject json = JsonNode.Parse(File.ReadAllBytes(Path.Combine(Folder, "state.json")))!.AsObject();
        Assert.Equal(["format", "formatVersion", "files", "state", "sha256"], json.Select(property => property.Key));
        Assert.Equal(99, (long)json["state"]!["optimizer"]!["appliedSteps"]!);
        Assert.Equal("LayerNorm", (string?)json["state"]!["config"]!["norm"]);
        Assert.Equal(2 * CheckpointFixture.Bits(_fixture.Tensors().Parameters).Length * 4,
            (long)json["files"]!["optimizer.safetensors"]!["length"]! - HeaderLength("optimizer.safetensors"));
    }

    private static void FlipBit(string path, long bit)
    {
        using FileStream stream = new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        stream.Position = bit / 8;
        int value = stream.ReadByte();
        stream.Position = bit / 8;
        stream.WriteByte((byte)(value ^ (1 << (int)(bit % 8))));
    }

    private long HeaderLength(string file) => 8 + BitConverter.ToInt64(File.ReadAllBytes(Path.Combine(Folder, file)));

    private CheckpointState Write(CheckpointState state, CheckpointTensors tensors) =>
        CheckpointFolder.Write(CheckpointDisk.Real, Folder, state, tensors);

    /// <summary>Writes state.json again, changed, with a seal that fits.</summary>
    private void Reseal(Func<CheckpointManifest, CheckpointManifest> change) =>
        File.WriteAllBytes(Path.Combine(Folder, CheckpointManifest.FileName), change(CheckpointManifest.Read(Folder)).ToBytes());

    /// <summary>Arenas that a refused checkpoint must not touch.</summary>
    private sealed class Target(CheckpointFixture fixture, string folder, ParameterLayout? layout = null)
    {
        private readonly CheckpointTensors _tensors = fixture.Tensors(salt: 500, layout);
        private readonly uint[] _before = CheckpointFixture.Bits(fixture.Tensors(salt: 500, layout));

        public void AssertRefused(string reason)
        {
            CheckpointFormatException exception = Assert.Throws<CheckpointFormatException>(() => CheckpointFolder.Load(folder, _tensors));
            if (!exception.Message.Contains(reason, StringComparison.Ordinal) || !exception.Message.Contains(folder, StringComparison.Ordinal))
                Assert.Fail($"'{reason}' or the folder is missing in: {exception.Message}");
            if (!CheckpointFixture.Bits(_tensors).AsSpan().SequenceEqual(_before))
                Assert.Fail($"The arenas changed although the checkpoint was refused: {exception.Message}");
        }

        public void AssertLoads()
        {
            CheckpointFolder.Load(folder, _tensors);
            Assert.NotEqual(_before, CheckpointFixture.Bits(_tensors));
        }
    }
}
