using System.Runtime.InteropServices;

namespace Andrea.Training;

/// <summary>The machine that a run was made on.</summary>
/// <param name="Processor">The processor's name, else its architecture.</param>
/// <param name="OperatingSystem">Name and version of the operating system.</param>
/// <param name="Cores">Logical processors that the process may use.</param>
/// <param name="Runtime">The .NET runtime.</param>
internal sealed record MachineDescription(string Processor, string OperatingSystem, int Cores, string Runtime)
{
    private const string LinuxProcessorFile = "/proc/cpuinfo";

    /// <summary>This machine.</summary>
    public static MachineDescription Current { get; } = new(
        FindProcessor(),
        $"{RuntimeInformation.OSDescription} ({RuntimeInformation.RuntimeIdentifier})",
        Environment.ProcessorCount,
        RuntimeInformation.FrameworkDescription);

    /// <summary>The name in the lines of Linux's list of processors, or null.</summary>
    internal static string? ProcessorOf(IEnumerable<string> lines)
    {
        foreach (string line in lines)
        {
            int colon = line.IndexOf(':');
            if (colon > 0 && line.AsSpan(0, colon).Trim() is "model name" or "Model" && line[(colon + 1)..].Trim() is { Length: > 0 } name)
                return name;
        }
        return null;
    }

    private static string FindProcessor()
    {
        string architecture = RuntimeInformation.ProcessArchitecture.ToString();
        try
        {
            if (File.Exists(LinuxProcessorFile))
                return ProcessorOf(File.ReadLines(LinuxProcessorFile)) ?? architecture;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return architecture;
        }
        return Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") is { Length: > 0 } name ? name : architecture;
    }
}
