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

    [Theory]
    [InlineData("missing.txt", "3", "There is no file or folder 'missing.txt'")]
    [InlineData("empty.txt", "3", "There is not one character in 'empty.txt'")]
    [InlineData("latin1.txt", "3", "There is invalid UTF-8 in 'latin1.txt'")]
    [InlineData("", "3", "has no text files")]
    [InlineData("text.txt", "ten", "STEPS is 'ten'; expected a whole number from 1 up.")]
    [InlineData("text.txt", "0", "STEPS is '0'; expected a whole number from 1 up.")]
    public void Sample_WithAnImpossibleArgument_EndsWithOneSentence(string file, string steps, string expected)
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["texts"]);
        TextIn(folder);
        File.WriteAllText(folder["empty.txt"], "");
        File.WriteAllBytes(folder["latin1.txt"], [.. "caf"u8, 0xE9]);
        string path = file.Length == 0 ? "texts" : file;
        foreach (string[] sample in (string[][])[["TrainOnYourText", path, steps, folder["run"]], ["WatchYourGradients", path, steps], ["CustomObserver", path, steps]])
        {
            var (code, output, error) = ChildProcess.RunAny(folder.Path, "dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, sample[0] + ".dll"), .. sample[1..]]);
            Assert.Equal((1, ""), (code, output));
            Assert.Contains(expected, Assert.Single(error.Trim().Split('\n')), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void TrainOnYourText_IntoTheFolderOfARun_EndsWithOneSentence()
    {
        using var folder = new TemporaryFolder();
        string[] arguments = [TextIn(folder), "1", folder["run"]];
        Run("TrainOnYourText", arguments);
        var (code, _, error) = ChildProcess.RunAny(folder.Path, "dotnet", ["exec", Path.Combine(AppContext.BaseDirectory, "TrainOnYourText.dll"), .. arguments]);
        Assert.Equal(1, code);
        Assert.Contains(folder["run"], Assert.Single(error.Trim().Split('\n')), StringComparison.Ordinal);
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
