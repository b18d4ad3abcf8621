using System.CommandLine;
using Andrea.Data;

namespace Andrea.Cli.Commands;

/// <summary>The option that says how text becomes tokens.</summary>
internal static class TokenizerOption
{
    public const string Choices = "char, byte, harris-N (morphemes, N segments, such as harris-2048), or the file of a saved tokenizer "
        + "(harris_segments.json, GPT-2's vocab.json or .tiktoken)";

    /// <summary>A kind that is fitted to the text, or the path of a saved tokenizer; null when it is not given.</summary>
    public static Option<string?> Create(string help) => new("--tokenizer")
    {
        Description = help,
        HelpName = "KIND|FILE",
        Arity = ArgumentArity.ExactlyOne,
        CustomParser = result =>
        {
            string name = result.Tokens[0].Value;
            string kind = name.ToLowerInvariant();
            if (Tokenizer.IsKind(kind))
                return kind;
            if (!Path.Exists(name))
                result.AddError($"'{name}' is not a value of --tokenizer; choose one of {Choices}");
            return name;
        },
    };

    /// <summary>The tokenizer of that name, fitted to the text where its kind asks for it.</summary>
    public static Tokenizer Open(string name, TextSource source) => Tokenizer.IsKind(name) ? Tokenizer.Create(name, source) : Tokenizer.Load(name);

    /// <summary>The option of commands that have no text to fit a tokenizer to.</summary>
    public static Option<string?> CreateForSaved() =>
        CliOption.Word("--tokenizer", "FILE", $"A saved tokenizer, of GPT-2 too, or 'byte' (default: {HarrisTokenizer.FileName}).");

    /// <summary>Reads the saved tokenizer.</summary>
    public static Tokenizer OpenSaved(ParseResult parsed, Option<string?> option)
    {
        string path = parsed.GetValue(option) ?? HarrisTokenizer.FileName;
        if (path == "byte")
            return new ByteTokenizer();
        return Path.Exists(path)
            ? Tokenizer.Load(path)
            : throw new CommandException(
                $"There is no tokenizer '{path}'; give one with --tokenizer, or make one with: andrea tokenizer train FILE.");
    }
}
