using System.Text.RegularExpressions;
using Andrea.Tests.Support;

namespace Andrea.Tests.Conventions;

/// <summary>The rules of the source tree, each a function from files to sentences about what breaks it.</summary>
internal static partial class SourceRules
{
    public const int MaxLines = 400;

    /// <summary>What each part of the library may refer to, besides itself and the root namespace. The command line may
    /// refer to everything.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Numerics"] = [],
        ["Tensors"] = ["Numerics"],
        ["Backends"] = ["Tensors", "Numerics"],
        ["Cpu"] = ["Backends", "Tensors", "Numerics"],
        ["Cuda"] = ["Backends", "Tensors", "Numerics"],
        ["Clipping"] = ["Backends", "Tensors", "Numerics"],
        ["Optim"] = ["Clipping", "Backends", "Tensors", "Numerics"],
        ["Data"] = ["Optim", "Clipping", "Backends", "Tensors", "Numerics"],
        ["Curriculum"] = ["Data", "Optim", "Clipping", "Backends", "Tensors", "Numerics"],
        ["Gpt"] = ["Optim", "Clipping", "Backends", "Tensors", "Numerics"],
        ["Monitoring"] = ["Optim", "Clipping", "Backends", "Tensors", "Numerics"],
        ["Reporting"] = ["Monitoring", "Optim", "Clipping", "Backends", "Tensors", "Numerics"],
        ["Training"] = ["Gpt", "Curriculum", "Data", "Reporting", "Monitoring", "Optim", "Clipping", "Backends", "Tensors", "Numerics"],
    };

    /// <summary>References against the direction of the layers. Files in the library's root folder compose the parts and may see all.</summary>
    public static IEnumerable<string> WrongReferences(IReadOnlyList<SourceFile> files)
    {
        Dictionary<string, HashSet<string>> typesOfLayer = files
            .GroupBy(file => LayerOf(file) ?? "")
            .ToDictionary(group => group.Key, group => group.SelectMany(file => DeclaredTypes(Code(file))).ToHashSet());
        foreach (SourceFile file in files)
        {
            if (LayerOf(file) is not { } layer)
                continue;
            if (!Allowed.TryGetValue(layer, out string[]? allowed))
            {
                yield return $"{file.Path}: '{layer}' is no layer that DESIGN.md knows; add it to the layers.";
                continue;
            }
            foreach (string target in References(Code(file), typesOfLayer))
                if (target != layer && !allowed.Contains(target))
                    yield return $"{file.Path}: {layer} refers to {target}.";
        }
    }

    /// <summary>SIMD outside Cpu.</summary>
    public static IEnumerable<string> IntrinsicsOutsideCpu(IEnumerable<SourceFile> files) =>
        from file in files
        where LayerOf(file) != "Cpu" && Code(file).Contains("System.Runtime.Intrinsics", StringComparison.Ordinal)
        select $"{file.Path}: intrinsics belong into Cpu.";

    /// <summary>Files too long to be about one concept.</summary>
    public static IEnumerable<string> LongFiles(IEnumerable<SourceFile> files) =>
        from file in files
        let lines = file.Text.AsSpan().TrimEnd('\n').Count('\n') + 1
        where lines > MaxLines
        select $"{file.Path}: {lines} lines, {MaxLines} at most.";

    /// <summary>Files whose namespace is not their folder; programs without a namespace are let through.</summary>
    public static IEnumerable<string> WrongNamespaces(IEnumerable<SourceFile> files)
    {
        foreach (SourceFile file in files)
        {
            string[] declared = [.. NamespaceDeclaration().Matches(Code(file)).Select(match => match.Groups[1].Value)];
            if (declared.Length == 0 && file.Path.EndsWith("/Program.cs", StringComparison.Ordinal))
                continue;
            // src/Andrea/Cpu/Norm/X.cs -> Andrea.Cpu.Norm
            string expected = string.Join('.', file.Path.Split('/')[1..^1]);
            if (declared is not [var only] || only != expected)
                yield return $"{file.Path}: namespace '{string.Join("', '", declared)}' instead of '{expected}'.";
        }
    }

    /// <summary>The folder below src/Andrea, or null for its root and for everything elsewhere.</summary>
    private static string? LayerOf(SourceFile file) =>
        file.Path.Split('/') is ["src", "Andrea", var layer, _, ..] ? layer : null;

    private static IEnumerable<string> References(string code, Dictionary<string, HashSet<string>> typesOfLayer)
    {
        var targets = new SortedSet<string>(StringComparer.Ordinal);
        foreach (Match match in FullName().Matches(code))
            if (Allowed.ContainsKey(match.Groups[1].Value) || match.Groups[1].Value == "Cli")
                targets.Add(match.Groups[1].Value);
        // Inside namespace Andrea.X, "Cpu.ThreadTeam" means Andrea.Cpu.ThreadTeam.
        foreach (Match match in RelativeName().Matches(code))
            if (typesOfLayer.TryGetValue(match.Groups[1].Value, out HashSet<string>? types) && types.Contains(match.Groups[2].Value))
                targets.Add(match.Groups[1].Value);
        return targets;
    }

    private static IEnumerable<string> DeclaredTypes(string code) => TypeDeclaration().Matches(code).Select(match => match.Groups[1].Value);

    /// <summary>The text without comments and the contents of strings.</summary>
    private static string Code(SourceFile file) => CommentOrString().Replace(file.Text, " ");

    [GeneratedRegex("""//[^\n]*|/\*.*?\*/|\"{3,}.*?\"{3,}|@\$?"(?:[^"]|"")*"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'""", RegexOptions.Singleline)]
    private static partial Regex CommentOrString();

    [GeneratedRegex(@"\bAndrea\s*\.\s*([A-Z]\w*)")]
    private static partial Regex FullName();

    [GeneratedRegex(@"(?<![\w.])([A-Z]\w*)\s*\.\s*([A-Z]\w*)")]
    private static partial Regex RelativeName();

    [GeneratedRegex(@"\b(?:class|struct|interface|enum|record|record struct)\s+([A-Z]\w*)")]
    private static partial Regex TypeDeclaration();

    [GeneratedRegex(@"^\s*namespace\s+([\w.]+)", RegexOptions.Multiline)]
    private static partial Regex NamespaceDeclaration();
}
