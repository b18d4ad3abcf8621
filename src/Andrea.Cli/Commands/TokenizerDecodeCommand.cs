using System.CommandLine;
using System.Globalization;
using System.Text;
using Andrea.Data;

namespace Andrea.Cli.Commands;

/// <summary><c>andrea tokenizer decode [FILE]</c>: writes the bytes that tokens stand for.</summary>
internal sealed class TokenizerDecodeCommand
{
    private const int LongestNumber = 11;

    private readonly Argument<string?> _path = new("FILE")
    {
        Description = "Token numbers with white space between them; - or nothing for standard input.",
        Arity = ArgumentArity.ZeroOrOne,
    };
    private readonly Option<string?> _tokenizer = TokenizerOption.CreateForSaved();
    private readonly Option<string?> _out = CliOption.Word("--out", "FILE", "Where to write (default: standard output).");
    private readonly Terminal _terminal;

    private TokenizerDecodeCommand(Terminal terminal) => _terminal = terminal;

    public static Command Create(Terminal terminal)
    {
        var decode = new TokenizerDecodeCommand(terminal);
        var command = new Command("decode", "Writes the text, byte for byte, that tokens stand for.") { decode._path, decode._tokenizer, decode._out };
        decode._path.Validators.Add(result => CliOption.RefuseEmpty(result, "decode"));
        decode._out.Validators.Add(result => CliOption.RefuseEmpty(result, "--out"));
        command.SetAction(decode.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        Tokenizer tokenizer = TokenizerOption.OpenSaved(parsed, _tokenizer);
        using Stream input = TokenizerInput.Open(parsed.GetValue(_path), _terminal);
        using Stream output = new BufferedStream(parsed.GetValue(_out) is { } path ? File.Create(path) : _terminal.OpenOutput());
        long count = 0;
        foreach (string word in Words(input))
        {
            count++;
            if (!int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int token) || token >= tokenizer.VocabularySize)
            {
                output.Flush();
                throw new CommandException(FormattableString.Invariant(
                    $"Number {count} of the input is '{word}'; expected tokens of the {tokenizer.Kind} tokenizer, 0 to {tokenizer.VocabularySize - 1}."));
            }
            output.Write(tokenizer.BytesOf(token));
        }
        return ExitCode.Done;
    }

    private static IEnumerable<string> Words(Stream input)
    {
        using var reader = new StreamReader(input, Encoding.UTF8);
        var word = new StringBuilder();
        for (int next = reader.Read(); next >= 0; next = reader.Read())
        {
            if (!char.IsWhiteSpace((char)next))
            {
                // What is longer is no number, and may be a whole file without a space.
                if (word.Length <= LongestNumber)
                    word.Append((char)next);
            }
            else if (word.Length > 0)
            {
                yield return word.ToString();
                word.Clear();
            }
        }
        if (word.Length > 0)
            yield return word.ToString();
    }
}
