using System.Runtime.CompilerServices;
using Andrea.Tests.Conventions;

// TorchSharp has one random generator and one number of threads for the whole process.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Andrea.TorchSharp.Tests;

/// <summary>The public surface, approved as text; names that do not clash; and the code of the README, compiled.</summary>
public class ConventionTests
{
    private const string Project = "src/Andrea.TorchSharp";

    [Fact]
    public void PublicApi_OfTheBridge_IsTheApprovedOne()
    {
        string path = Path.Combine(Root(), Project, "PublicApi.approved.txt");
        string actual = PublicApi.Of(typeof(Fused).Assembly);
        if (File.Exists(path) && File.ReadAllText(path) == actual)
            return;
        string received = Path.ChangeExtension(path, ".received.txt");
        File.WriteAllText(received, actual);
        Assert.Fail($"The public API has changed. If that is wanted, look at the difference and replace {path} by {received}.");
    }

    [Fact]
    public void PublicTypes_HaveNoNameOfTorchSharps()
    {
        IEnumerable<string> theirs = typeof(global::TorchSharp.torch).Assembly.GetExportedTypes().Where(type => !type.IsNested).Select(type => type.Name);
        Assert.Empty(typeof(Fused).Assembly.GetExportedTypes().Where(type => !type.IsNested).Select(type => type.Name).Intersect(theirs));
    }

    [Fact]
    public void ReadmeCode_IsThatOfReadmeExamples()
    {
        string compiled = Normalized(File.ReadAllText(Path.Combine(Root(), "tests/Andrea.TorchSharp.Tests/ReadmeExamples.cs")));
        string[] blocks = [.. File.ReadAllText(Path.Combine(Root(), Project, "README.md")).Split("```csharp\n").Skip(1).Select(block => block.Split("```")[0])];
        Assert.NotEmpty(blocks);
        // The tests stand in a namespace that sees the bridge's.
        foreach (string part in blocks.SelectMany(block => block.Split("\n\n")).Where(part => part.Trim() != "using Andrea.TorchSharp;"))
            Assert.True(compiled.Contains(Normalized(part), StringComparison.Ordinal), $"Not compiled by ReadmeExamples.cs:\n{part}");
    }

    [Fact]
    public void ReadmeCode_RunsAsATrainingLoop()
    {
        using var module = new SmallModule();
        float[][] before = module.Values();
        ReadmeExamples.Train(module, () =>
        {
            using global::TorchSharp.torch.Tensor input = global::TorchSharp.torch.randn(4, 20);
            return module.call(input).square().mean();
        });
        Assert.NotEqual(before, module.Values());
    }

    private static string Normalized(string text) =>
        string.Join('\n', text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));

    private static string Root([CallerFilePath] string path = "")
    {
        string root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "../.."));
        Assert.SkipUnless(Directory.Exists(Path.Combine(root, Project)), "The sources are not on this machine.");
        return root;
    }
}
