using System.Runtime.InteropServices;
using Andrea.Cpu.Simd;

namespace Andrea.Cli.Doctor;

/// <summary>What can be known about the machine without asking another program.</summary>
internal static class Machine
{
    private const string LinuxProcessorFile = "/proc/cpuinfo";

    public static string OperatingSystem => $"{RuntimeInformation.OSDescription} ({RuntimeInformation.RuntimeIdentifier})";

    public static string Runtime => RuntimeInformation.FrameworkDescription;

    /// <summary>The processor's name as the operating system gives it, else its architecture.</summary>
    public static string Processor
    {
        get
        {
            if (File.Exists(LinuxProcessorFile))
                return ProcessorOf(File.ReadLines(LinuxProcessorFile)) ?? Architecture;
            return Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") is { Length: > 0 } name ? name : Architecture;
        }
    }

    /// <summary>Bytes of memory that this process may use: the machine's, or its container's.</summary>
    public static long MemoryBytes => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>Width of the vectors that the JIT uses, and the instruction sets behind it.</summary>
    public static string Vectors => VectorSupport.Description;

    private static string Architecture => RuntimeInformation.ProcessArchitecture.ToString();

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
}
