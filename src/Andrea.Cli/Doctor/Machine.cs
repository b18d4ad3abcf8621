using Andrea.Cpu.Simd;
using Andrea.Training;

namespace Andrea.Cli.Doctor;

/// <summary>What can be known about the machine without asking another program.</summary>
internal static class Machine
{
    public static string OperatingSystem => MachineDescription.Current.OperatingSystem;

    public static string Runtime => MachineDescription.Current.Runtime;

    /// <summary>The processor's name as the operating system gives it, else its architecture.</summary>
    public static string Processor => MachineDescription.Current.Processor;

    /// <summary>Bytes of memory that this process may use: the machine's, or its container's.</summary>
    public static long MemoryBytes => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>Width of the vectors that the JIT uses, and the instruction sets behind it.</summary>
    public static string Vectors => VectorSupport.Description;
}
