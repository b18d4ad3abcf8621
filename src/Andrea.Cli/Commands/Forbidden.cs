using System.CommandLine;

namespace Andrea.Cli.Commands;

/// <summary>What makes no sense on a command line, although each word of it is known.</summary>
internal static class Forbidden
{
    /// <summary>Refuses an option that a resumed run has settled already.</summary>
    /// <exception cref="UsageException">It was given.</exception>
    public static void OnResume(ParseResult parsed, Option option)
    {
        if (parsed.GetResult(option) is { Implicit: false })
            throw new UsageException(
                $"{option.Name} cannot be given with --resume, since it was settled when the run began; start a new run instead.");
    }

    /// <summary>Refuses a command that is nothing without one of its subcommands.</summary>
    public static void Alone(Command command)
    {
        command.SetAction(Refuse);
        int Refuse(ParseResult parsed)
        {
            string choices = string.Join(", ", command.Subcommands.Select(subcommand => subcommand.Name));
            throw new UsageException($"A command is missing after '{command.Name}'; choose one of {choices}, or see --help.");
        }
    }
}
