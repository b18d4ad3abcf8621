using System.CommandLine;
using Andrea.Cli.Commands;

namespace Andrea.Cli.Lab;

/// <summary><c>andrea lab EXPERIMENT</c>: small experiments about what keeps training stable, made on this machine.</summary>
internal static class LabCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new Command("lab", "Trains small models in experiments, and prints what came out.") { CurriculumLabCommand.Create(terminal) };
        Forbidden.Alone(command);
        return command;
    }
}
