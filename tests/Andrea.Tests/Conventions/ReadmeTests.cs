using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Andrea.Tests.Support;

namespace Andrea.Tests.Conventions;

/// <summary>The C# in the README is that of the samples, which are compiled with everything else and run here.</summary>
public partial class ReadmeTests
{
    [Fact]
    public void CSharpBlocks_AreTheSamplesTheyName()
    {
        string readme = File.ReadAllText(Path.Combine(Root(), "README.md"));
        MatchCollection blocks = NamedBlock().Matches(readme);
        Assert.Equal(2, blocks.Count);
        Assert.Equal(blocks.Count, CSharpFence().Count(readme));
        foreach (Match block in blocks)
            Assert.Equal(File.ReadAllText(Path.Combine(Root(), block.Groups["path"].Value)), block.Groups["code"].Value);
    }

    [Fact]
    public void TrainOnYourText_OnASmallText_TrainsAndWrites()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["text.txt"], string.Concat(Enumerable.Repeat("to be or not to be, that is the question. ", 60)));
        string output = Run("TrainOnYourText", folder["text.txt"], "3", folder["run"]);
        Assert.Contains("validation loss", output, StringComparison.Ordinal);
        Assert.True(File.Exists(folder["run/checkpoints/step-000003/model.safetensors"]), output);
    }

    [Fact]
    public void OwnLoop_FindsTheLine() => Assert.Contains("w 3.00, b -1.00", Run("OwnLoop"), StringComparison.Ordinal);

    private static string Run(string sample, params string[] arguments) =>
        ChildProcess.Run(AppContext.BaseDirectory, "dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, sample + ".dll"), .. arguments]);

    private static string Root([CallerFilePath] string path = "")
    {
        string root = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "../../.."));
        Assert.SkipUnless(File.Exists(Path.Combine(root, "README.md")), "The sources are not on this machine.");
        return root;
    }

    [GeneratedRegex("<!-- (?<path>\\S+) -->\n```csharp\n(?<code>.*?)```", RegexOptions.Singleline)]
    private static partial Regex NamedBlock();

    [GeneratedRegex("```csharp")]
    private static partial Regex CSharpFence();
}
