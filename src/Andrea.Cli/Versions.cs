using System.Reflection;

namespace Andrea.Cli;

/// <summary>Versions for people and for files.</summary>
internal static class Versions
{
    /// <summary>The library's version, such as 0.1.0, without the commit.</summary>
    public static string Andrea { get; } =
        typeof(Device).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";
}
