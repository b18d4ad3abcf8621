using System.Buffers;
using System.CommandLine;
using System.Globalization;
using System.Text;
using Andrea.Cli.Rendering;
using Andrea.Data;

namespace Andrea.Cli.Commands;

/// <summary><c>andrea tokenizer encode [FILE]</c>: writes the tokens of a text, of any length.</summary>
internal sealed class TokenizerEncodeCommand
{
    private const int BlockLength = 1 << 16;

    private readonly Argument<string?> _path = new("FILE")
    {
        Description = "Any file; - or nothing for standard input.",
        Arity = ArgumentArity.ZeroOrOne,
    };
    private readonly Option<string?> _tokenizer = TokenizerOption.CreateForSaved();
    private readonly Option<bool> _segments = new("--segments") { Description = "Writes what the tokens stand for, with | between them, instead of their numbers." };
    private readonly Terminal _terminal;

    private TokenizerEncodeCommand(Terminal terminal) => _terminal = terminal;

    public static Command Create(Terminal terminal)
    {
        var encode = new TokenizerEncodeCommand(terminal);
        var command = new Command("encode", "Writes a text's tokens as numbers, a line for each line of the text.")
        {
            encode._path, encode._tokenizer, encode._segments,
        };
        encode._path.Validators.Add(result => CliOption.RefuseEmpty(result, "encode"));
        command.SetAction(encode.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        Tokenizer tokenizer = TokenizerOption.OpenSaved(parsed, _tokenizer);
        bool showsSegments = parsed.GetValue(_segments);
        using Stream input = TokenizerInput.Open(parsed.GetValue(_path), _terminal);
        try
        {
            bool isLineStart = true;
            foreach (int[] tokens in Blocks(input, tokenizer))
                Write(tokens, tokenizer, showsSegments, ref isLineStart);
            if (!isLineStart)
                _terminal.Stream.Write('\n');
            _terminal.Stream.Flush();
        }
        catch (IOException exception) when (exception.HResult == StandardOutput.BrokenPipe)
        {
            // Whoever was reading, such as head, has enough.
        }
        return ExitCode.Done;
    }

    private static IEnumerable<int[]> Blocks(Stream input, Tokenizer tokenizer)
    {
        var buffer = new byte[BlockLength];
        var tokens = new ArrayBufferWriter<int>();
        int length = 0;
        for (bool isFinal = false; !isFinal;)
        {
            if (length == buffer.Length)
                Array.Resize(ref buffer, 2 * buffer.Length);
            int read = input.ReadAtLeast(buffer.AsSpan(length), buffer.Length - length, throwOnEndOfStream: false);
            length += read;
            isFinal = length < buffer.Length;
            tokens.ResetWrittenCount();
            int used = tokenizer.Encode(buffer.AsSpan(0, length), isFinal, tokens);
            buffer.AsSpan(used..length).CopyTo(buffer);
            length -= used;
            yield return tokens.WrittenSpan.ToArray();
        }
    }

    private void Write(int[] tokens, Tokenizer tokenizer, bool showsSegments, ref bool isLineStart)
    {
        var text = new StringBuilder();
        foreach (int token in tokens)
        {
            ReadOnlySpan<byte> bytes = tokenizer.BytesOf(token);
            if (!isLineStart)
                text.Append(showsSegments ? '|' : ' ');
            if (showsSegments)
                text.Append(VisibleText.Of(bytes));
            else
                text.Append(CultureInfo.InvariantCulture, $"{token}");
            isLineStart = bytes.Contains((byte)'\n');
            if (isLineStart)
                text.Append('\n');
        }
        _terminal.Stream.Write(text.ToString());
    }
}
