using System.CommandLine;
using Andrea.Cli.Doctor;
using Andrea.Cli.Rendering;

namespace Andrea.Cli.Commands;

/// <summary><c>andrea doctor</c>: what this machine is, which backends work on it, and why the others do not.</summary>
internal static class DoctorCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new Command("doctor", "Describes the machine and the backends, and why CUDA is or isn't usable.");
        command.SetAction(_ => Execute(terminal));
        return command;
    }

    private static int Execute(Terminal terminal)
    {
        using Device cpu = Device.Cpu();
        string cuda = CudaStatus.WhyNotUsable() is { } reason ? $"not usable: {reason}" : "usable";
        var rows = new (string Name, string Value)[]
        {
            ("Andrea", Versions.Andrea),
            ("system", Machine.OperatingSystem),
            (".NET", Machine.Runtime),
            ("processor", Machine.Processor),
            ("cores", FormattableString.Invariant($"{Environment.ProcessorCount}")),
            ("memory", Units.Bytes(Machine.MemoryBytes)),
            ("vectors", Machine.Vectors),
            ("backend cpu", $"usable: {cpu.Description}"),
            ("backend cuda", cuda),
        };
        int width = rows.Max(row => row.Name.Length);
        foreach ((string name, string value) in rows)
            terminal.Output.WriteLine($"{name.PadRight(width)}  {value}");
        return ExitCode.Done;
    }
}
