using System.Text.RegularExpressions;

namespace Andrea.Tests.Cuda;

/// <summary>The comment that a kernel file begins with, taken apart.</summary>
internal sealed partial class KernelHeader
{
    /// <summary>Fields that every header has.</summary>
    public static readonly string[] Required =
        ["formula", "entry", "buffer", "numerics", "nonfinite", "limits", "managed", "reference", "test", "source"];

    private readonly List<(string Field, string Text)> _fields = [];

    public KernelHeader(string fileName, string text)
    {
        Match comment = Comment().Match(text);
        if (!comment.Success)
            throw new FormatException($"{fileName} does not begin with a comment.");
        Title = comment.Groups[1].Value.Split('\n')[0].Trim();
        foreach (Match field in Field().Matches(comment.Groups[1].Value))
        {
            string joined = field.Groups[2].Value.Replace("\n *", " ", StringComparison.Ordinal);
            _fields.Add((field.Groups[1].Value, Whitespace().Replace(joined, " ").Trim()));
        }
    }

    /// <summary>The first line: file name, colon, what it is about.</summary>
    public string Title { get; }

    /// <summary>Texts of all fields of one name.</summary>
    public IEnumerable<string> Texts(string field) => _fields.Where(entry => entry.Field == field).Select(entry => entry.Text);

    /// <summary>Names of the kernels that the header announces.</summary>
    public IEnumerable<string> Entries => Texts("entry").Select(text => text.Split(' ')[0]);

    /// <summary>Names of the kernels that the code defines.</summary>
    public static IEnumerable<string> EntryPoints(string text) => EntryPoint().Matches(text).Select(match => match.Groups[1].Value);

    [GeneratedRegex(@"^/\*(.*?)\*/", RegexOptions.Singleline)]
    private static partial Regex Comment();

    // A field goes on until the next one, which may stand on the same line.
    [GeneratedRegex(@"@([a-z]+)[ ]+(.*?)(?=@[a-z]+[ ]|$)", RegexOptions.Singleline)]
    private static partial Regex Field();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Whitespace();

    [GeneratedRegex("""extern "C" __global__ void(?:\s+__launch_bounds__\([^)]*\))?\s+(\w+)\(""")]
    private static partial Regex EntryPoint();
}
