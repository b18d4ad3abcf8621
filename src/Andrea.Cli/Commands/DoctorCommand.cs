using System.CommandLine;
using Andrea.Cli.Doctor;
using Andrea.Cli.Rendering;
using Andrea.Cuda.Diagnosis;

namespace Andrea.Cli.Commands;

/// <summary><c>andrea doctor</c>: what this machine is, which backends work on it, and why the others do not.</summary>
internal static class DoctorCommand
{
    // As wide as the longest name, "edited kernels"; rows are written as they are found out.
    private const int NameWidth = 14;

    public static Command Create(Terminal terminal)
    {
        var command = new Command(
            "doctor", "Describes the machine, its GPUs and what CUDA needs; compiles the kernels, and says why CUDA is or isn't usable.");
        command.SetAction(_ =>
        {
            Write(terminal.Output, [.. MachineRows()]);
            Write(terminal.Output, new CudaStatus(CudaDiagnosis.OfThisMachine()).Rows());
            return ExitCode.Done;
        });
        return command;
    }

    /// <summary>Writes rows of a name and a value; further lines of a value stand below its first.</summary>
    internal static void Write(TextWriter output, IEnumerable<(string Name, string Value)> rows)
    {
        foreach ((string name, string value) in rows)
        {
            string[] lines = value.Split('\n');
            output.WriteLine($"{name.PadRight(NameWidth)}  {lines[0].TrimEnd()}");
            foreach (string line in lines.Skip(1))
                output.WriteLine($"{"".PadRight(NameWidth)}  {line.TrimEnd()}".TrimEnd());
        }
    }

    private static IEnumerable<(string Name, string Value)> MachineRows()
    {
        using Device cpu = Device.Cpu();
        yield return ("Andrea", Versions.Andrea);
        yield return ("system", Machine.OperatingSystem);
        yield return (".NET", Machine.Runtime);
        yield return ("processor", Machine.Processor);
        yield return ("cores", FormattableString.Invariant($"{Environment.ProcessorCount}"));
        yield return ("memory", Units.Bytes(Machine.MemoryBytes));
        yield return ("vectors", Machine.Vectors);
        yield return ("backend cpu", $"usable: {cpu.Description}");
    }
}
