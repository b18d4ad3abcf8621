using System.CommandLine;
using Andrea.Cli.Commands;
using Andrea.Cli.Lab.Collapse;
using Andrea.Cli.Lab.Spikes;

namespace Andrea.Cli.Lab;

/// <summary><c>andrea lab EXPERIMENT</c>: small experiments about what keeps training stable and what makes it fall over, each a table.</summary>
internal static class LabCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new Command("lab", "Runs one of the stability lab's experiments and prints its table.")
        {
            CurriculumLabCommand.Create(terminal),
            PredictorCommand.Create(terminal),
            SlingshotCommand.Create(terminal),
            HeadCommand.Create(terminal),
            CollapseCommand.Create(terminal),
            SpikesCommand.Create(terminal),
        };
        Forbidden.Alone(command);
        return command;
    }
}
