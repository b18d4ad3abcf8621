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
