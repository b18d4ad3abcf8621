using System.Buffers;
using System.Text.Json;
using Andrea.Data.Gpt2;

namespace Andrea.Data;

/// <summary>GPT-2's byte-level byte-pair encoding, from its published files: the same tokens as OpenAI's own encoder gives, for any bytes,
/// without loss.</summary>
/// <remarks>
/// Radford et al., Language Models are Unsupervised Multitask Learners (2019), section 2.2. With GPT-2's files V = 50,257 and the
/// beginning of a text is 50,256, the token that the files call &lt;|endoftext|&gt;; the word &lt;|endoftext|&gt; in a text is text like
/// any other. Bytes that are not UTF-8 are encoded, too. A piece of n bytes costs O(n log n), also a word of a million letters. Andrea
/// brings no such files. Example:
/// <code>
/// Tokenizer tokenizer = Gpt2Tokenizer.FromFiles("gpt2/vocab.json", "gpt2/merges.txt");
/// int[] tokens = tokenizer.Encode("Hello world"); // 15496, 995
/// string text = tokenizer.Decode(tokens);
/// </code>
/// </remarks>
public sealed class Gpt2Tokenizer : Tokenizer
{
    internal const string KindName = "gpt2";

    private const int ByteCount = 256;
    private const string TokensName = "tokens", MergesName = "merges", MarkName = "endOfText";

    private readonly Gpt2Vocabulary _vocabulary;
    private readonly PairMerges _merges = new();
    private readonly int[] _tokenOfByte = new int[ByteCount];
    // Tokens that merging their bytes gives: a whole piece is often one of them.
    private readonly TokenTrie _wholePieces;

    private Gpt2Tokenizer(Gpt2Vocabulary vocabulary)
    {
        _vocabulary = vocabulary;
        byte[][] tokens = vocabulary.Tokens;
        int[] real = [.. Enumerable.Range(0, tokens.Length).Where(token => token != vocabulary.EndOfText)];
        if (real.FirstOrDefault(token => tokens[token].Length == 0, -1) is >= 0 and int empty)
            throw Damaged($"has no bytes for token {empty}");
        byte[][] strings = [.. real.Select(token => tokens[token])];
        var all = new TokenTrie(strings, real);
        if (real.Any(token => all.Find(tokens[token]) != token))
            throw Damaged("has two tokens of the same bytes");
        for (int value = 0; value < ByteCount; value++)
        {
            int token = all.Find([(byte)value]);
            _tokenOfByte[value] = token >= 0 ? token : throw Damaged($"has no token for byte 0x{value:X2}");
        }
        if (vocabulary.Merges is { } merges)
            AddMerges(merges, all);
        else
            AddAllPairs(real, all);
        int[] whole = vocabulary.Merges is null ? real : [.. real.Where(IsMergedWhole)];
        _wholePieces = new TokenTrie([.. whole.Select(token => tokens[token])], whole);
    }

    /// <inheritdoc/>
    public override string Kind => KindName;

    /// <summary>V: 50,257 with GPT-2's files.</summary>
    public override int VocabularySize => _vocabulary.Tokens.Length;

    /// <summary>50,256 with GPT-2's files; null if the files have no &lt;|endoftext|&gt;.</summary>
    public override int? BeginningOfText => _vocabulary.EndOfText;

    /// <summary>Reads GPT-2's two files, or others of their form.</summary>
    /// <param name="vocabularyPath"><c>vocab.json</c> (or <c>encoder.json</c>): a JSON object from token to number.</param>
    /// <param name="mergesPath"><c>merges.txt</c> (or <c>vocab.bpe</c>): a line for each merge, in their order; a line that begins with
    /// <c>#version</c> is skipped.</param>
    /// <returns>The tokenizer; it no longer needs the files.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="TrainingDataException">Not such files, or they do not fit each other.</exception>
    public static Gpt2Tokenizer FromFiles(string vocabularyPath, string mergesPath) => new(Gpt2Files.Read(vocabularyPath, mergesPath));

    /// <summary>Reads a file of tiktoken, such as <c>gpt2.tiktoken</c>: a line for each token, its bytes in base64 and its number, which is
    /// also its rank. &lt;|endoftext|&gt; becomes the number after the last.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The tokenizer; it no longer needs the file.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="TrainingDataException">Not such a file.</exception>
    /// <remarks>For vocabularies that are cut by GPT-2's rules (gpt2, r50k_base, p50k_base), not for later ones (cl100k_base).</remarks>
    public static Gpt2Tokenizer FromTiktoken(string path) => new(Gpt2Files.ReadTiktoken(path));

    /// <summary>Encodes bytes, whether or not they are UTF-8.</summary>
    /// <inheritdoc/>
    public override int Encode(ReadOnlySpan<byte> utf8, bool isFinal, IBufferWriter<int> tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        if (utf8.IsEmpty)
            return 0;
        Span<int> output = tokens.GetSpan(utf8.Length);
        int position = 0, count = 0;
        while (position < utf8.Length)
        {
            int length = Gpt2Pieces.FirstLength(utf8[position..], isFinal);
            if (length == 0)
                break;
            count += EncodePiece(utf8.Slice(position, length), output[count..]);
            position += length;
        }
        tokens.Advance(count);
        return position;
    }

    /// <inheritdoc/>
    public override ReadOnlySpan<byte> BytesOf(int token) =>
        (uint)token < (uint)VocabularySize ? _vocabulary.Tokens[token] : throw NoSuchToken(token);

    internal static Gpt2Tokenizer ReadFrom(JsonElement json)
    {
        byte[][] tokens = [.. ReadStrings(json, TokensName).Select(
            text => Gpt2Alphabet.ToBytes(text) ?? throw Damaged($"has a token '{text}' with a character that stands for no byte"))];
        int[]? merges = null;
        if (json.TryGetProperty(MergesName, out JsonElement pairs))
            merges = pairs.ValueKind == JsonValueKind.Array
                ? [.. pairs.EnumerateArray().Select(item => ReadToken(item, MergesName, tokens.Length))]
                : throw Damaged($"has no array '{MergesName}'");
        int? mark = json.TryGetProperty(MarkName, out JsonElement number) ? ReadToken(number, MarkName, tokens.Length) : null;
        return new Gpt2Tokenizer(new Gpt2Vocabulary(tokens, merges, mark));
    }

    private protected override void WriteMembers(Utf8JsonWriter writer)
    {
        if (_vocabulary.EndOfText is int mark)
            writer.WriteNumber(MarkName, mark);
        writer.WriteStartArray(TokensName);
        foreach (byte[] token in _vocabulary.Tokens)
            writer.WriteStringValue(Gpt2Alphabet.ToText(token));
        writer.WriteEndArray();
        if (_vocabulary.Merges is not { } merges)
            return;
        writer.WriteStartArray(MergesName);
        foreach (int token in merges)
            writer.WriteNumberValue(token);
        writer.WriteEndArray();
    }

    private static int ReadToken(JsonElement json, string name, int vocabularySize) =>
        json.ValueKind == JsonValueKind.Number && json.TryGetInt32(out int token) && (uint)token < (uint)vocabularySize
            ? token
            : throw Damaged($"has something in '{name}' that is none of its {vocabularySize} tokens");

    private int EncodePiece(ReadOnlySpan<byte> piece, Span<int> output)
    {
        int token = _wholePieces.Find(piece);
        if (token >= 0)
        {
            output[0] = token;
            return 1;
        }
        return Merge(piece, output);
    }

    private int Merge(ReadOnlySpan<byte> piece, Span<int> output)
    {
        for (int i = 0; i < piece.Length; i++)
            output[i] = _tokenOfByte[piece[i]];
        return _merges.Apply(output[..piece.Length]);
    }

    private bool IsMergedWhole(int token)
    {
        byte[] bytes = _vocabulary.Tokens[token];
        return Merge(bytes, new int[bytes.Length]) == 1;
    }

    private void AddMerges(int[] merges, TokenTrie all)
    {
        byte[][] tokens = _vocabulary.Tokens;
        if (merges.Length % 2 != 0)
            throw Damaged($"has half a pair in '{MergesName}'");
        for (int i = 0; i < merges.Length; i += 2)
        {
            byte[] bytes = [.. tokens[merges[i]], .. tokens[merges[i + 1]]];
            int merged = bytes.Length > 1 ? all.Find(bytes) : -1;
            if (merged < 0)
                throw Damaged($"merges '{Gpt2Alphabet.ToText(bytes)}', which is no token");
            _merges.Add(merges[i], merges[i + 1], i / 2, merged);
        }
    }

    private void AddAllPairs(int[] real, TokenTrie all)
    {
        foreach (int token in real)
        {
            ReadOnlySpan<byte> bytes = _vocabulary.Tokens[token];
            for (int cut = 1; cut < bytes.Length; cut++)
            {
                int left = all.Find(bytes[..cut]), right = all.Find(bytes[cut..]);
                if (left >= 0 && right >= 0)
                    _merges.Add(left, right, token, token);
            }
        }
    }
}
