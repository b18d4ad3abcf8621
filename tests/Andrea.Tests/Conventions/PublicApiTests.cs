using Andrea.Tests.Support;

namespace Andrea.Tests.Conventions;

/// <summary>The library's public surface is approved as text, so that a change to it shows in the diff.</summary>
public class PublicApiTests
{
    private const string Approved = "src/Andrea/PublicApi.approved.txt";

    [Fact]
    public void PublicApi_OfTheLibrary_IsTheApprovedOne()
    {
        string path = Path.Combine(SourceTree.Root(), Approved);
        string actual = PublicApi.Of(typeof(Device).Assembly);
        if (File.ReadAllText(path) == actual)
            return;
        string received = Path.ChangeExtension(path, ".received.txt");
        File.WriteAllText(received, actual);
        Assert.Fail($"The public API has changed. If that is wanted, look at the difference and replace {Approved} by {received}.");
    }

    [Fact]
    public void PublicApi_OfEveryKindOfMember_ReadsAsCSharp()
    {
        string text = PublicApi.Of(typeof(PublicApiTests).Assembly);
        string[] expected =
        [
            "    abstract class PublicApiExample<T> : IDisposable\n",
            "        protected PublicApiExample<T>(string name, double? rate = default)\n",
            "        const int Most = 7\n",
            "        abstract void Clear()\n",
            "        protected virtual string? Find<TKey>(in TKey key, out T value, params string[] others) where TKey : unmanaged\n",
            "        List<string?[]> Nested<TItem>(Dictionary<string, object?>? map) where TItem : Exception, new()\n",
            "        static PublicApiExample<T>? Newest { get; }\n",
            "        required string Name { get; init; }\n",
            "        void Dispose()\n",
            "    readonly record struct PublicApiPoint\n        PublicApiPoint(int X, int Y)\n        int X { get; init; }\n        int Y { get; init; }\n",
        ];
        foreach (string line in expected)
            Assert.True(text.Contains(line, StringComparison.Ordinal), $"Not found: {line}in\n{Example(text)}");
        Assert.DoesNotContain("hidden", Example(text), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("Deconstruct", Example(text), StringComparison.Ordinal);
    }

    /// <summary>The part about the examples below, between which nothing else stands.</summary>
    private static string Example(string text) => text[text.IndexOf("abstract class PublicApiExample", StringComparison.Ordinal)..text.IndexOf("class PublicApiTests", StringComparison.Ordinal)];
}

/// <summary>One of every kind of member.</summary>
public abstract class PublicApiExample<T> : IDisposable
{
    public const int Most = 7;

    protected PublicApiExample(string name, double? rate = null) => (Name, Hidden) = (name, rate);

    public static PublicApiExample<T>? Newest => null;

    public required string Name { get; init; }

    internal double? Hidden { get; }

    public abstract void Clear();

    public void Dispose() => GC.SuppressFinalize(this);

    protected virtual string? Find<TKey>(in TKey key, out T value, params string[] others)
        where TKey : unmanaged
    {
        value = default!;
        return null;
    }

    public List<string?[]> Nested<TItem>(Dictionary<string, object?>? map)
        where TItem : Exception, new() => [];

    private void HiddenToo() => Clear();
}

/// <summary>A record, of which the compiler writes most.</summary>
public readonly record struct PublicApiPoint(int X, int Y);
