using System.Globalization;
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
        string output = Run("TrainOnYourText", TextIn(folder), "3", folder["run"]);
        Assert.Contains("validation loss", output, StringComparison.Ordinal);
        Assert.True(File.Exists(folder["run/checkpoints/step-000003/model.safetensors"]), output);
    }

    [Theory]
    [InlineData("TrainOnYourText", "TEXT STEPS RUN-FOLDER")]
    [InlineData("WatchYourGradients", "TEXT STEPS")]
    [InlineData("CustomObserver", "TEXT STEPS")]
    public void Sample_WithoutArguments_SaysWhatItWants(string sample, string arguments)
    {
        var (code, output, error) = ChildProcess.RunAny(AppContext.BaseDirectory, "dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, sample + ".dll")]);
        Assert.Equal((1, "", $"Usage: {sample} {arguments}"), (code, output.Trim(), error.Trim()));
    }

    [Fact]
    public void OwnLoop_FitsTheSine()
    {
        string output = Run("OwnLoop");
        double loss = double.Parse(output.Split(' ', ',')[1], CultureInfo.InvariantCulture);
        Assert.True(loss < 1e-3, output);
    }

    [Fact]
    public void WatchYourGradients_PrintsEveryBlockOfEveryMeasuredStep()
    {
        using var folder = new TemporaryFolder();
        string output = Run("WatchYourGradients", TextIn(folder), "20");
        Assert.Equal([.. Enumerable.Range(1, 16), 20], MeasuredStep().Matches(output).Select(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)));
        foreach (string name in (string[])["wte", "wpe", "h.0", "h.1", "ln_f.weight"])
            Assert.Equal(17, output.Split('\n').Count(line => line.StartsWith($"  {name} ", StringComparison.Ordinal)));
    }

    [Fact]
    public void CustomObserver_WithoutProgress_EndsTheRunEarly()
    {
        using var folder = new TemporaryFolder();
        string output = Run("CustomObserver", TextIn(folder), "2000");
        Assert.Contains("Cancelled after", output, StringComparison.Ordinal);
    }

    private static string TextIn(TemporaryFolder folder)
    {
        File.WriteAllText(folder["text.txt"], string.Concat(Enumerable.Repeat("to be or not to be, that is the question. ", 60)));
        return folder["text.txt"];
    }

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

    [GeneratedRegex(@"step (\d+), gradients")]
    private static partial Regex MeasuredStep();

    [GeneratedRegex("```csharp")]
    private static partial Regex CSharpFence();
}
