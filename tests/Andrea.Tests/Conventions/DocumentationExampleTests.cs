using System.Xml.Linq;
using Andrea.Tests.Support;

namespace Andrea.Tests.Conventions;

/// <summary>Every example in the documentation of a public type stands among the compiled ones.</summary>
public class DocumentationExampleTests
{
    private static readonly string[] MainTypes =
    [
        "Device", "GradClipper", "ClipPolicy", "AdamW", "SoftSignSgd", "ExternalTensors", "GptModel", "Trainer", "TokenDataset", "GradientMonitor",
        "GradientDiagnosis", "RunReport",
    ];

    [Fact]
    public void Examples_OfPublicTypes_AreCompiled()
    {
        string compiled = Normalized(File.ReadAllText(Path.Combine(SourceTree.Root(), "tests/Andrea.Tests/Conventions/DocumentationExamples.cs")));
        var documented = new HashSet<string>();
        foreach ((Type type, string code) in Examples())
        {
            documented.Add(type.Name);
            Assert.True(compiled.Contains(Normalized(code), StringComparison.Ordinal), $"The example of {type} is not in DocumentationExamples.cs:\n{code}");
        }
        Assert.Equal([], MainTypes.Where(type => !documented.Contains(type)));
    }

    [Fact]
    public void Examples_OfThePackagesReadme_AreCompiled()
    {
        string compiled = Normalized(File.ReadAllText(Path.Combine(SourceTree.Root(), "tests/Andrea.Tests/Conventions/DocumentationExamples.cs")));
        string readme = File.ReadAllText(Path.Combine(SourceTree.Root(), "src/Andrea/README.md"));
        string[] blocks = [.. readme.Split("```csharp\n").Skip(1).Select(block => block.Split("```")[0])];
        Assert.Equal(2, blocks.Length);
        foreach (string block in blocks)
        {
            // A namespace is imported at the top of a file.
            string[] lines = [.. block.Split('\n').Where(line => !line.StartsWith("using ", StringComparison.Ordinal) || line.Contains('=', StringComparison.Ordinal))];
            Assert.Contains(Normalized(string.Join('\n', lines)), compiled, StringComparison.Ordinal);
        }
    }

    /// <summary>Blocks of code, not of output.</summary>
    private static IEnumerable<(Type Type, string Code)> Examples() =>
        from member in XDocument.Load(Path.Combine(AppContext.BaseDirectory, "Andrea.xml")).Descendants("member")
        let type = typeof(Device).Assembly.GetType(member.Attribute("name")!.Value[2..])
        where type is { IsVisible: true }
        from code in member.Descendants("code")
        where code.Value.Contains(';', StringComparison.Ordinal)
        select (type, code.Value);

    private static string Normalized(string text) =>
        string.Join('\n', text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
}
