using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using Andrea.Cli.Commands;
using Andrea.Cli.Lab;

namespace Andrea.Cli;

/// <summary>The command line as a whole: what commands there are, and what becomes of their errors.</summary>
internal static class CommandLine
{
    /// <summary>Runs one command.</summary>
    /// <param name="arguments">As the user typed them, without the program's name.</param>
    /// <param name="terminal">Where output and errors go.</param>
    /// <returns>A value of <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, Terminal terminal)
    {
        try
        {
            ParseResult parsed = CreateRoot(terminal).Parse(arguments);
            if (parsed.Action is ParseErrorAction)
                throw new UsageException(Sentence(parsed));
            var configuration = new InvocationConfiguration
            {
                Output = terminal.Output,
                Error = terminal.Error,
                EnableDefaultExceptionHandler = false,
                // Signals are the training command's own business: it writes a checkpoint first.
                ProcessTerminationTimeout = null,
            };
            return await parsed.InvokeAsync(configuration).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            return ErrorReport.Write(exception, terminal);
        }
    }

    /// <summary>Not a RootCommand, which would go by the name of the file it runs from.</summary>
    private static Command CreateRoot(Terminal terminal)
    {
        var root = new Command("andrea", "Trains small GPTs and keeps the training stable.")
        {
            TrainCommand.Create(terminal),
            WatchCommand.Create(terminal),
            SampleCommand.Create(terminal),
            ReportCommand.Create(terminal),
            TokenizerCommand.Create(terminal),
            ReplayCommand.Create(terminal),
            DoctorCommand.Create(terminal),
            BenchCommand.Create(terminal),
            LabCommand.Create(terminal),
            new HelpOption(),
            new VersionOption(),
        };
        Forbidden.Alone(root);
        return root;
    }

    /// <summary>The first thing that is wrong, and where to read how it is right.</summary>
    private static string Sentence(ParseResult parsed)
    {
        string path = parsed.CommandResult.Command.Name;
        for (SymbolResult? parent = parsed.CommandResult.Parent; parent is CommandResult command; parent = command.Parent)
            path = $"{command.Command.Name} {path}";
        string message = parsed.Errors[0].Message.TrimEnd('.', ' ');
        return $"{message}. See '{path} --help'.";
    }
}
