namespace Andrea.Cli;

/// <summary>Options that are each fine but do not go together, or with what they name; the message is the one sentence for the user.</summary>
internal sealed class UsageException(string message) : Exception(message);
