namespace Andrea.Cli;

/// <summary>A command cannot do what it was asked for; the message is the one sentence for the user.</summary>
internal sealed class CommandException(string message) : Exception(message);
