using System.Text.RegularExpressions;

namespace Andrea.Cuda.Compilation;

/// <summary>NVRTC's messages, made to look like those of other compilers.</summary>
internal static partial class CompilerLog
{
    /// <summary><c>adamw.cu(12): error</c> becomes <c>adamw.cu:12: error</c>, which editors and terminals can follow.</summary>
    public static string WithFileAndLine(string log) => Place().Replace(log, "$1:$2:").Trim();

    [GeneratedRegex(@"^([^\s()]+)\((\d+)\):", RegexOptions.Multiline)]
    private static partial Regex Place();
}
