namespace Andrea.Data.Gpt2;

/// <summary>What GPT-2's files hold.</summary>
/// <param name="Tokens">The bytes of each token; none for <paramref name="EndOfText"/>.</param>
/// <param name="Merges">Pairs of tokens, one after the other, in the order of their rank; null if any pair that makes a token may be merged, in
/// the order of the tokens, as tiktoken does.</param>
/// <param name="EndOfText">The token that stands between documents; null if there is none.</param>
internal sealed record Gpt2Vocabulary(byte[][] Tokens, int[]? Merges, int? EndOfText)
{
    /// <summary>How the mark is written in GPT-2's files.</summary>
    public const string EndOfTextName = "<|endoftext|>";
}
