using Andrea.Cuda.Compilation;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cuda.Compilation;

public sealed class KernelCacheTests : IDisposable
{
    private static readonly byte[] Image = [.. Enumerable.Range(0, 300).Select(i => (byte)i)];

    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void Entry_Written_IsRead()
    {
        var cache = new KernelCache(_folder["new/folder"]);
        Assert.False(cache.TryRead("key", out _));
        cache.Write("key", Image);
        Assert.Null(cache.Problem);
        Assert.True(new KernelCache(cache.Folder).TryRead("key", out byte[]? read));
        Assert.Equal(Image, read);
        Assert.False(cache.TryRead("other", out _));
        Assert.Single(Directory.GetFiles(cache.Folder!));
    }

    [Fact]
    public void Entry_CutAnywhere_CountsAsMissing() => ForEachDamage(entry => Enumerable.Range(0, entry.Length).Select(length => entry[..length]));

    [Fact]
    public void Entry_WithAnyBitChanged_CountsAsMissing() => ForEachDamage(entry => Enumerable.Range(0, entry.Length).Select(i =>
    {
        byte[] damaged = [.. entry];
        damaged[i] ^= (byte)(1 << (i % 8));
        return damaged;
    }));

    [Fact]
    public void Entry_Damaged_IsWrittenAnew()
    {
        var cache = new KernelCache(_folder.Path);
        cache.Write("key", Image);
        string path = Directory.GetFiles(_folder.Path).Single();
        File.WriteAllBytes(path, [1, 2, 3]);
        cache.Write("key", Image);
        Assert.True(cache.TryRead("key", out byte[]? read));
        Assert.Equal(Image, read);
    }

    [Fact]
    public void Entry_WrittenByManyAtOnce_IsWholeForEveryReader()
    {
        byte[] other = [.. Image.Reverse()];
        using var start = new Barrier(6);
        var failures = 0;
        Thread[] threads = [.. Enumerable.Range(0, 6).Select(number => new Thread(() =>
        {
            var cache = new KernelCache(_folder.Path);
            start.SignalAndWait();
            for (int i = 0; i < 60; i++)
            {
                if (number < 3)
                    cache.Write("key", number % 2 == 0 ? Image : other);
                else if (cache.TryRead("key", out byte[]? read) && !read.SequenceEqual(Image) && !read.SequenceEqual(other))
                    Interlocked.Increment(ref failures);
            }
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
        Assert.Equal(0, failures);
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Cache_ThatCannotBeWritten_SaysSoAndGoesOn()
    {
        // A file stands where the folder should be.
        var cache = new KernelCache(_folder.Write("taken", "x"u8));
        cache.Write("key", Image);
        Assert.NotNull(cache.Problem);
        Assert.False(cache.TryRead("key", out _));
    }

    [Fact]
    public void Cache_WithoutAFolder_KeepsNothing()
    {
        var cache = new KernelCache(null);
        cache.Write("key", Image);
        Assert.False(cache.TryRead("key", out _));
    }

    [Fact]
    public void Key_DependsOnEverything()
    {
        KernelSource source = new("a.cu", "text"), header = new("b.cuh", "more");
        var version = new Version(12, 4);
        string[] keys =
        [
            KernelCache.KeyOf(source, [header], ["-x"], version),
            KernelCache.KeyOf(source with { Text = "text " }, [header], ["-x"], version),
            KernelCache.KeyOf(source with { Name = "c.cu" }, [header], ["-x"], version),
            KernelCache.KeyOf(source, [], ["-x"], version),
            KernelCache.KeyOf(source, [header with { Text = "mor" }], ["-x"], version),
            KernelCache.KeyOf(source, [header with { Name = "b.cu" }, new("h", "")], ["-x"], version),
            KernelCache.KeyOf(source, [header], ["-y"], version),
            KernelCache.KeyOf(source, [header], ["-x", "-y"], version),
            KernelCache.KeyOf(source, [header], ["-x-y"], version),
            KernelCache.KeyOf(source, [header], ["-x"], new Version(12, 5)),
            KernelCache.KeyOf(new("a.cut", "ext"), [header], ["-x"], version),
        ];
        Assert.Equal(keys.Length, keys.Distinct().Count());
        Assert.Equal(keys[0], KernelCache.KeyOf(new("a.cu", "text"), [new("b.cuh", "more")], ["-x"], new Version(12, 4)));
    }

    [Fact]
    public void Folder_FollowsTheEnvironment()
    {
        static string? Folder(params (string Name, string Value)[] variables) =>
            KernelCache.FolderFor(name => variables.FirstOrDefault(variable => variable.Name == name).Value);
        Assert.Equal(Path.Combine("/tmp/x", "kernels"), Folder(("ANDREA_CACHE_DIR", "/tmp/x"), ("HOME", "/home/me")));
        Assert.Null(Folder(("ANDREA_CACHE_DIR", "off"), ("HOME", "/home/me")));
        Assert.Null(Folder());
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal("/home/me/.cache/andrea/kernels", Folder(("HOME", "/home/me")));
            Assert.Equal("/c/andrea/kernels", Folder(("HOME", "/home/me"), ("XDG_CACHE_HOME", "/c")));
        }
    }

    public void Dispose() => _folder.Dispose();

    private void ForEachDamage(Func<byte[], IEnumerable<byte[]>> damage)
    {
        var cache = new KernelCache(_folder.Path);
        cache.Write("key", Image);
        string path = Directory.GetFiles(_folder.Path).Single();
        foreach (byte[] damaged in damage(File.ReadAllBytes(path)).ToArray())
        {
            File.WriteAllBytes(path, damaged);
            Assert.False(cache.TryRead("key", out _));
        }
    }
}
