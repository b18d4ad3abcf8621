using Andrea.Training.Checkpoints;

namespace Andrea.Tests.Training.Checkpoints;

public sealed class CheckpointStoreTests : IDisposable
{
    private readonly CheckpointFixture _fixture = new();
    private readonly CheckpointTensors _tensors;

    public CheckpointStoreTests() => _tensors = _fixture.Tensors();

    private string Folder => _fixture.PathOf("runs/one/checkpoints");

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public void EmptyStore_AnyQuestion_HasNoAnswer()
    {
        var store = new CheckpointStore(Folder);
        Assert.Null(store.Latest());
        Assert.Null(store.Best());
        Assert.Empty(store.List());
        Assert.False(Directory.Exists(Folder));
    }

    [Fact]
    public void Save_NewFolder_WritesACheckpointNamedByItsStep()
    {
        var time = new FixedTime(new DateTimeOffset(2026, 3, 4, 5, 6, 7, TimeSpan.Zero));
        CheckpointEntry saved = new CheckpointStore(Folder, time: time).Save(CheckpointFixture.State(100), _tensors);
        Assert.Equal(Path.Combine(Folder, "step-000100"), saved.Path);
        CheckpointState read = CheckpointFolder.Load(saved.Path, _fixture.Tensors(salt: 9));
        Assert.Equal(time.GetUtcNow(), read.CreatedAt);
        Assert.Equal(CheckpointVersions.Current, read.Versions);
        Assert.Equal([saved.Path], Directory.GetFileSystemEntries(Folder));
    }

    [Fact]
    public void Save_Many_KeepsTheLastOnesAndTheBest()
    {
        var store = new CheckpointStore(Folder, keepLast: 2);
        foreach ((long step, double? loss) in new (long, double?)[] { (1, 3), (2, 1.5), (3, 2), (4, null), (5, 1.5), (6, 1.75) })
            store.Save(CheckpointFixture.State(step, loss), _tensors);
        Assert.Equal(["step-000002", "step-000005", "step-000006"], Names(store));
        Assert.Equal(2, store.Best()!.State!.Step);
        Assert.Equal(6, store.Latest()!.State!.Step);
        store.Save(CheckpointFixture.State(7, 1.25), _tensors);
        Assert.Equal(["step-000006", "step-000007"], Names(store));
    }

    [Fact]
    public void Save_WhileScoresAreLow_KeepsTheLastFromBefore()
    {
        var store = new CheckpointStore(Folder, keepLast: 2);
        foreach ((long step, int low) in new (long, int)[] { (1, 0), (2, 0), (3, 1), (4, 2), (5, 3) })
            store.Save(CheckpointFixture.State(step) with { LowInARow = low }, _tensors);
        Assert.Equal(["step-000002", "step-000004", "step-000005"], Names(store));
        store.Save(CheckpointFixture.State(6), _tensors);
        Assert.Equal(["step-000005", "step-000006"], Names(store));
    }

    [Fact]
    public void Save_NonFinite_IsMarkedAndNeverTakesAFinitePlace()
    {
        var store = new CheckpointStore(Folder, keepLast: 1);
        store.Save(CheckpointFixture.State(1), _tensors);
        CheckpointFixture.Fill(_tensors.SecondMoments, index => index == 3 ? float.NaN : 0);
        for (long step = 2; step <= 5; step++)
            Assert.False(store.Save(CheckpointFixture.State(step), _tensors).State!.Finite);
        Assert.Equal(["step-000001", "step-000005"], Names(store));
        Assert.Equal(1, store.Latest()!.State!.Step);

        CheckpointFixture.Fill(_tensors.SecondMoments, _ => 0);
        store.Save(CheckpointFixture.State(6), _tensors);
        Assert.Equal(["step-000006"], Names(store));
    }

    [Fact]
    public void Save_NonFiniteWithALowLoss_IsNotTheBest()
    {
        var store = new CheckpointStore(Folder);
        store.Save(CheckpointFixture.State(1, validationLoss: 2), _tensors);
        store.Save(CheckpointFixture.State(2, validationLoss: double.NaN), _tensors);
        store.Save(CheckpointFixture.State(3, validationLoss: 1) with { Finite = false }, _tensors);
        store.Save(CheckpointFixture.State(4, validationLoss: 1) with { LossEma = double.NegativeInfinity }, _tensors);
        Assert.Equal(1, store.Best()!.State!.Step);
        Assert.Equal(1, store.Latest()!.State!.Step);
    }

    [Fact]
    public void Save_AfterGoingBack_IsTheLatestAndTouchesNothing()
    {
        var store = new CheckpointStore(Folder, keepLast: 3);
        foreach (long step in (ReadOnlySpan<long>)[100, 200, 300])
            store.Save(CheckpointFixture.State(step), _tensors);
        store.Save(CheckpointFixture.State(150), _tensors);
        Assert.Equal(["step-000200", "step-000300", "step-000150-2"], Names(store));
        Assert.Equal(150, store.Latest()!.State!.Step);
        // The old future gives way to the new one; the same step twice is no clash.
        foreach (long step in (ReadOnlySpan<long>)[200, 250, 250])
            store.Save(CheckpointFixture.State(step), _tensors);
        Assert.Equal(["step-000200-2", "step-000250-2", "step-000250-3"], Names(store));
        store.Save(CheckpointFixture.State(1_234_567), _tensors);
        Assert.Equal("step-1234567-3", Names(store)[^1]);
    }

    [Theory]
    [InlineData("step-000100", 1, 100)]
    [InlineData("step-1234567", 1, 1_234_567)]
    [InlineData("step-000007-12", 12, 7)]
    public void Name_OfOurs_IsRead(string text, int branch, long step)
    {
        Assert.True(CheckpointName.TryParse(text, out CheckpointName name));
        Assert.Equal(new CheckpointName(branch, step), name);
    }

    [Theory]
    [InlineData("step-100")]
    [InlineData("step-0001000")]
    [InlineData("step-000100-1")]
    [InlineData("step-000100-02")]
    [InlineData("step-000100-2-3")]
    [InlineData("step-000100 copy")]
    [InlineData("step--00100")]
    [InlineData("step-99999999999999999999")]
    [InlineData("step-")]
    [InlineData(".tmp-step-000100")]
    public void Name_OfOthers_IsIgnored(string text) => Assert.False(CheckpointName.TryParse(text, out _));

    [Fact]
    public void Latest_DamagedNewest_IsAnErrorUnlessAskedToSkip()
    {
        var store = new CheckpointStore(Folder);
        foreach (long step in (ReadOnlySpan<long>)[1, 2, 3])
            store.Save(CheckpointFixture.State(step), _tensors);
        // Damaged data: found by whoever loads it, or by whoever asks for an intact one.
        Damage("step-000003/model.safetensors");
        Assert.Equal(3, store.Latest()!.State!.Step);
        Assert.Throws<CheckpointFormatException>(() => CheckpointFolder.Load(store.Latest()!.Path, _tensors));
        Assert.Equal(2, store.Latest(skipDamaged: true)!.State!.Step);
        // Damaged state: found at once.
        Damage("step-000003/state.json");
        var exception = Assert.Throws<CheckpointFormatException>(() => store.Latest());
        Assert.Contains("step-000003", exception.Message, StringComparison.Ordinal);
        Assert.Equal(2, store.Latest(skipDamaged: true)!.State!.Step);
        Assert.IsType<CheckpointFormatException>(store.List()[^1].Damage);
    }

    [Fact]
    public void Save_BesideADamagedOne_LeavesItForRescue()
    {
        var store = new CheckpointStore(Folder, keepLast: 1);
        store.Save(CheckpointFixture.State(1), _tensors);
        Damage("step-000001/state.json");
        store.Save(CheckpointFixture.State(2), _tensors);
        store.Save(CheckpointFixture.State(3), _tensors);
        Assert.Equal(["step-000001", "step-000003"], Names(store));
        Assert.Equal(3, store.Latest()!.State!.Step);
    }

    [Fact]
    public void Save_LeftoversOfACrash_AreIgnoredThenRemoved()
    {
        var store = new CheckpointStore(Folder);
        store.Save(CheckpointFixture.State(1), _tensors);
        string leftover = Path.Combine(Folder, ".tmp-step-000002"), foreign = Path.Combine(Folder, "notes");
        Directory.CreateDirectory(leftover);
        Directory.CreateDirectory(foreign);
        File.WriteAllText(Path.Combine(leftover, "model.safetensors"), "half");
        Assert.Equal(1, store.Latest()!.State!.Step);
        Assert.True(Directory.Exists(leftover));
        store.Save(CheckpointFixture.State(2), _tensors);
        Assert.False(Directory.Exists(leftover));
        Assert.True(Directory.Exists(foreign));
        Assert.Equal(["step-000001", "step-000002"], Names(store));
    }

    [Fact]
    public void Constructor_KeepNone_IsAnError() => Assert.Throws<ArgumentOutOfRangeException>(() => new CheckpointStore(Folder, keepLast: 0));

    [Fact]
    public void Save_NegativeStep_IsAnError() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new CheckpointStore(Folder).Save(CheckpointFixture.State(-1), _tensors));

    private static string[] Names(CheckpointStore store) => [.. store.List().Select(entry => entry.Name.ToString())];

    private void Damage(string file)
    {
        string path = Path.Combine(Folder, file);
        byte[] bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);
    }

    private sealed class FixedTime(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
