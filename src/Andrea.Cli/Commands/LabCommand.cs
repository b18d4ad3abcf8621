using System.CommandLine;
using Andrea.Cli.Lab;

namespace Andrea.Cli.Commands;

/// <summary><c>andrea lab EXPERIMENT</c>: small experiments about what makes training fall over, each a table.</summary>
internal static class LabCommand
{
    public static Command Create(Terminal terminal) =>
        new("lab", "Runs one of the stability lab's experiments and prints its table.")
        {
            PredictorCommand.Create(terminal),
            SlingshotCommand.Create(terminal),
            HeadCommand.Create(terminal),
        };
}
