using System.CommandLine;

namespace Andrea.Cli.Commands;

/// <summary><c>andrea tokenizer train|encode|decode</c>: makes a tokenizer of morphemes, and shows what tokenizers do to text.</summary>
internal static class TokenizerCommand
{
    public static Command Create(Terminal terminal)
    {
        var command = new Command("tokenizer", "Learns morphemes from text as tokens, and turns text into tokens and back.")
        {
            TokenizerTrainCommand.Create(terminal),
            TokenizerEncodeCommand.Create(terminal),
            TokenizerDecodeCommand.Create(terminal),
        };
        Forbidden.Alone(command);
        return command;
    }
}
