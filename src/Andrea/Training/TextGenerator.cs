using Andrea.Data;
using Andrea.Gpt;

namespace Andrea.Training;

/// <summary>Writes text with a model: prompt in, continuation out, piece by piece.</summary>
/// <remarks>
/// <code>
/// using var generator = new TextGenerator(model, tokenizer, new SamplingOptions { Temperature = 0.7 });
/// foreach (string piece in generator.Generate("Once upon a time", tokenCount: 200))
///     Console.Write(piece);
/// </code>
/// </remarks>
public sealed class TextGenerator : IDisposable
{
    private readonly Tokenizer _tokenizer;
    private readonly GptDecoder _decoder;
    private readonly SamplingOptions _options;
    private bool _disposed;

    /// <summary>Prepares a key/value cache.</summary>
    /// <param name="model">The model; not owned.</param>
    /// <param name="tokenizer">The tokenizer that it was trained with.</param>
    /// <param name="options">Temperature, top-k, seed; null for the defaults.</param>
    /// <exception cref="ArgumentException">The tokenizer's vocabulary is larger than the model's, or an option is out of range.</exception>
    public TextGenerator(GptModel model, Tokenizer tokenizer, SamplingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokenizer);
        if (tokenizer.VocabularySize > model.Config.VocabularySize)
            throw new ArgumentException(
                $"The tokenizer has {tokenizer.VocabularySize} tokens but the model only {model.Config.VocabularySize}. Use the tokenizer it was trained with.", nameof(tokenizer));
        _options = options ?? new SamplingOptions();
        _options.Validate();
        _tokenizer = tokenizer;
        _decoder = new GptDecoder(model);
    }

    /// <summary>Continues a prompt. The same prompt, seed and options give the same text.</summary>
    /// <param name="prompt">Text to continue; not repeated in the output. Empty begins a new text.</param>
    /// <param name="tokenCount">Number of tokens to write.</param>
    /// <returns>Whole characters as they come; computed while they are enumerated.</returns>
    /// <exception cref="UnknownCharacterException">The prompt has a character that the tokenizer does not know.</exception>
    /// <exception cref="ObjectDisposedException">The model or this generator has been disposed, before or while the text is enumerated.</exception>
    public IEnumerable<string> Generate(string prompt, int tokenCount)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentNullException.ThrowIfNull(prompt);
        ArgumentOutOfRangeException.ThrowIfNegative(tokenCount);
        int[] tokens = _tokenizer.Encode(prompt);
        return Continue(tokens.Length > 0 ? tokens : [StartToken()], tokenCount);
    }

    /// <summary>Frees the cache; the model is not touched.</summary>
    public void Dispose()
    {
        _disposed = true;
        _decoder.Dispose();
    }

    private IEnumerable<string> Continue(int[] prompt, int tokenCount)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var sampler = new TokenSampler(_options);
        TokenDecoder text = _tokenizer.CreateDecoder();
        _decoder.Reset();
        // Of a prompt longer than the context, only the end can be seen.
        for (int i = Math.Max(0, prompt.Length - _decoder.ContextLength); i < prompt.Length - 1; i++)
            _decoder.Accept(prompt[i]);
        int token = prompt[^1];
        for (int i = 0; i < tokenCount; i++)
        {
            // Somebody may have disposed it between two pieces.
            ObjectDisposedException.ThrowIf(_disposed, this);
            token = sampler.Next(_decoder.Accept(token)[.._tokenizer.VocabularySize]);
            string piece = text.Decode(token);
            if (piece.Length > 0)
                yield return piece;
        }
        string rest = text.Flush();
        if (rest.Length > 0)
            yield return rest;
    }

    /// <summary>What stands before a text that begins from nothing: the tokenizer's own mark, else a line break, else its first token.</summary>
    private int StartToken()
    {
        if (_tokenizer.BeginningOfText is { } mark)
            return mark;
        try
        {
            return _tokenizer.Encode("\n")[0];
        }
        catch (UnknownCharacterException)
        {
            return 0;
        }
    }
}
