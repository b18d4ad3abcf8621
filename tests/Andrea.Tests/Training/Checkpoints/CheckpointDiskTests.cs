using Andrea.Training.Checkpoints;

namespace Andrea.Tests.Training.Checkpoints;

/// <summary>What a save does to the disk and in which order, and what is left when the disk stops doing it.</summary>
public sealed class CheckpointDiskTests : IDisposable
{
    private readonly CheckpointFixture _fixture = new();
    private readonly CheckpointTensors _tensors;

    public CheckpointDiskTests() => _tensors = _fixture.Tensors();

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public void Save_AnyFile_IsFlushedBeforeTheRenameAndTheRenameBeforeAnythingIsDeleted()
    {
        var disk = new FailingDisk();
        var store = new CheckpointStore(_fixture.PathOf("run"), keepLast: 1, disk: disk);
        store.Save(CheckpointFixture.State(1), _tensors);
        disk.Operations.Clear();
        store.Save(CheckpointFixture.State(2), _tensors);
        Assert.Equal(
            [
                "create .tmp-step-000002",
                "create model.safetensors", "flush model.safetensors",
                "create optimizer.safetensors", "flush optimizer.safetensors",
                "create state.json", "flush state.json",
                "flush .tmp-step-000002",
                "move step-000002",
                "flush run",
                "move .tmp-deleted-step-000001",
                "delete .tmp-deleted-step-000001", "delete model.safetensors", "delete optimizer.safetensors", "delete state.json",
            ],
            disk.Operations.Where(operation => !operation.StartsWith("write", StringComparison.Ordinal)));
    }

    [Fact]
    public void Save_NewFolders_FlushesEveryNewName()
    {
        var disk = new FailingDisk();
        new CheckpointStore(_fixture.PathOf("a/b"), disk: disk).Save(CheckpointFixture.State(1), _tensors);
        Assert.Equal(["create a", $"flush {Path.GetFileName(_fixture.Folder)}", "create b", "flush a"], disk.Operations[..4]);
    }

    [Fact]
    public void Save_CrashAtEveryOperation_LosesNothingSaved()
    {
        int crashes = 0;
        for (int crashAt = 0; ; crashAt++)
        {
            string folder = _fixture.PathOf($"crash-{crashAt}");
            long saved = 0;
            try
            {
                var store = new CheckpointStore(folder, keepLast: 1, disk: new FailingDisk { CrashAt = crashAt });
                foreach ((long step, double loss) in new[] { (1, 2.0), (2, 1.0), (3, 3.0), (4, 0.5) })
                {
                    store.Save(CheckpointFixture.State(step, loss), Filled(step));
                    saved = step;
                }
                break;
            }
            catch (SimulatedCrash)
            {
                crashes++;
                AssertNothingLost(folder, saved);
            }
        }
        Assert.True(crashes > 50, $"only {crashes} operations were interrupted");
    }

    [Fact]
    public void Save_DiskFullAtAnyByte_SaysSoAndLosesNothingSaved()
    {
        var disk = new FailingDisk();
        string folder = _fixture.PathOf("full");
        var store = new CheckpointStore(folder, keepLast: 1, disk: disk);
        store.Save(CheckpointFixture.State(1), Filled(1));
        long takes = Directory.GetFiles(Path.Combine(folder, "step-000001")).Sum(file => new FileInfo(file).Length);
        for (long free = 0; free < takes - 1; free += 37)
        {
            disk.FreeBytes = free;
            var exception = Assert.Throws<CheckpointException>(() => store.Save(CheckpointFixture.State(2), Filled(2)));
            Assert.Contains(folder, exception.Message, StringComparison.Ordinal);
            Assert.Contains("No space left on device", exception.Message, StringComparison.Ordinal);
            Assert.Contains($"it takes {CheckpointFolder.EstimateBytes(_tensors)} bytes", exception.Message, StringComparison.Ordinal);
            Assert.Equal([Path.Combine(folder, "step-000001")], Directory.GetFileSystemEntries(folder));
        }
        disk.FreeBytes = long.MaxValue;
        CheckpointFolder.Verify(store.Latest()!.Path);
        store.Save(CheckpointFixture.State(2), Filled(2));
        AssertNothingLost(folder, 2);
    }

    [Fact]
    public void Save_DeviceThatIsReallyFull_SaysSo()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "This system has no /dev/full.");
        var store = new CheckpointStore(_fixture.PathOf("full"), disk: new FullDevice());
        var exception = Assert.Throws<CheckpointException>(() => store.Save(CheckpointFixture.State(1), _tensors));
        Assert.Contains("No space left on device", exception.Message, StringComparison.Ordinal);
        Assert.Empty(store.List());
        Assert.Throws<CheckpointException>(() => new FullDevice().ReplaceFile(_fixture.PathOf("x.bin"), 4, writer => writer.Write([1, 2, 3, 4])));
    }

    [Fact]
    public void Save_FolderThatIsAFile_SaysSo()
    {
        string path = _fixture.PathOf("file");
        File.WriteAllText(path, "");
        var exception = Assert.Throws<CheckpointException>(() => new CheckpointStore(path).Save(CheckpointFixture.State(1), _tensors));
        Assert.Contains(path, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void ReplaceFile_CrashAtEveryOperation_LeavesTheOldFileOrTheNewOne()
    {
        string path = _fixture.PathOf("step_000001.bin");
        int completed = -1;
        for (int crashAt = 0; completed < 0; crashAt++)
        {
            File.WriteAllText(path, "old");
            var disk = new FailingDisk { CrashAt = crashAt };
            try
            {
                disk.ReplaceFile(path, 3, writer => writer.Write("new"u8));
                completed = crashAt;
            }
            catch (SimulatedCrash)
            {
                bool moved = disk.Operations.Any(operation => operation.StartsWith("move", StringComparison.Ordinal));
                Assert.Equal(moved ? "new" : "old", File.ReadAllText(path));
            }
        }
        Assert.Equal(5, completed);
        Assert.Equal("new", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(_fixture.Folder));
    }

    [Fact]
    public void ReplaceFile_DiskFull_LeavesTheOldFileAndNothingElse()
    {
        string path = _fixture.PathOf("step_000001.bin");
        File.WriteAllText(path, "old");
        var exception = Assert.Throws<CheckpointException>(
            () => new FailingDisk { FreeBytes = 2 }.ReplaceFile(path, 3, writer => writer.Write("new"u8)));
        Assert.Contains("it takes 3 bytes", exception.Message, StringComparison.Ordinal);
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(_fixture.Folder));
    }

    private CheckpointTensors Filled(long step)
    {
        CheckpointFixture.Fill(_tensors.Parameters, index => step * 100 + index);
        return _tensors;
    }

    /// <summary>Every checkpoint that is listed is whole, the newest is at least the last one saved, and the next save finds nothing in
    /// its way.</summary>
    private void AssertNothingLost(string folder, long saved)
    {
        var store = new CheckpointStore(folder, keepLast: 1);
        CheckpointTensors read = _fixture.Tensors();
        foreach (CheckpointEntry entry in store.List())
        {
            CheckpointState state = CheckpointFolder.Load(entry.Path, read);
            Assert.Equal(entry.Name.Step, state.Step);
            Assert.Equal(state.Step * 100, read.Parameters[0].ToArray()[0]);
        }
        Assert.True((store.Latest()?.State!.Step ?? 0) >= saved);
        store.Save(CheckpointFixture.State(9, validationLoss: 0.1), Filled(9));
        Assert.Equal([Path.Combine(folder, "step-000009")], Directory.GetFileSystemEntries(folder));
    }

    /// <summary>Files are created where they should be, but what is written to them goes to a device that has no space.</summary>
    private sealed class FullDevice : CheckpointDisk
    {
        public override Stream CreateFile(string path) => new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, 1 << 16);
    }
}
