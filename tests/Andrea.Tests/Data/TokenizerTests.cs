using System.Text;
using System.Text.Json;
using Andrea.Data;

namespace Andrea.Tests.Data;

public class TokenizerTests
{
    [Fact]
    public void Bytes_Any_RoundTripWithoutLoss() => Properties.Hold(Properties.Bytes, bytes =>
    {
        var tokenizer = new ByteTokenizer();
        int[] tokens = tokenizer.Encode(bytes);
        Assert.Equal(bytes.Select(value => (int)value), tokens);
        Assert.Equal(bytes, tokenizer.DecodeToBytes(tokens));
    });

    [Fact]
    public void Byte_EveryValueAndTheMark_HaveTheIdsOfAndrea()
    {
        var tokenizer = new ByteTokenizer();
        Assert.Equal(257, tokenizer.VocabularySize);
        Assert.Equal(256, tokenizer.BeginningOfText);
        byte[] all = [.. Enumerable.Range(0, 256).Select(value => (byte)value)];
        Assert.Equal(Enumerable.Range(0, 256), tokenizer.Encode(all));
        Assert.Equal(all, tokenizer.DecodeToBytes([256, .. Enumerable.Range(0, 256), 256]));
    }

    [Theory]
    [InlineData("byte")]
    [InlineData("char")]
    public void Text_Any_RoundTrips(string kind) => Properties.Hold(Properties.Texts, text =>
    {
        Tokenizer tokenizer = Tokenizer.Create(kind, TextSource.FromText(text + "."));
        Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
    });

    [Fact]
    public void Char_Text_HasItsCharactersInAscendingOrderOfScalars()
    {
        // U+1F600 is after U+FFFD, though its first UTF-16 unit, U+D83D, is before it.
        CharTokenizer tokenizer = CharTokenizer.FromText("b\U0001F600a\uFFFD\na\u00E9\0b");
        Assert.Equal("\0\nab\u00E9\uFFFD\U0001F600", string.Concat(tokenizer.Characters.ToArray()));
        Assert.Equal(7, tokenizer.VocabularySize);
        Assert.Equal([3, 6, 2, 5, 1, 2, 4, 0, 3], tokenizer.Encode("b\U0001F600a\uFFFD\na\u00E9\0b"));
        Assert.Null(tokenizer.BeginningOfText);
    }

    [Theory]
    [InlineData("byte")]
    [InlineData("char")]
    public void Pieces_CutAnywhere_GiveTheTokensOfTheWhole(string kind) => Properties.Hold(Properties.Texts, text =>
    {
        Tokenizer tokenizer = Tokenizer.Create(kind, TextSource.FromText(text + "."));
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        for (int pieceLength = 1; pieceLength <= 5; pieceLength++)
        {
            var tokens = new System.Buffers.ArrayBufferWriter<int>();
            int start = 0;
            for (int end = Math.Min(pieceLength, utf8.Length); start < utf8.Length; end = Math.Min(end + pieceLength, utf8.Length))
                start += tokenizer.Encode(utf8.AsSpan(start..end), end == utf8.Length, tokens);
            Assert.Equal(tokenizer.Encode(text), tokens.WrittenSpan.ToArray());
        }
    });

    [Fact]
    public void Decoder_AnyTokens_GivesTheTextOfTheWholeInPieces() => Properties.Hold(Properties.Bytes, bytes =>
    {
        var tokenizer = new ByteTokenizer();
        TokenDecoder decoder = tokenizer.CreateDecoder();
        for (int repeat = 0; repeat < 2; repeat++)
        {
            var text = new StringBuilder();
            foreach (byte value in bytes)
                text.Append(decoder.Decode(value));
            Assert.Equal(tokenizer.Decode(tokenizer.Encode(bytes)), text.Append(decoder.Flush()).ToString());
        }
    });

    [Fact]
    public void Decoder_CharacterInPieces_WaitsForItsLastByte()
    {
        TokenDecoder decoder = new ByteTokenizer().CreateDecoder();
        Assert.Equal(["", "", "€", "", "", "", "😀", "!", ""],
            [.. new[] { 0xE2, 0x82, 0xAC, 0xF0, 0x9F, 0x98, 0x80, '!', 256 }.Select(decoder.Decode)]);
        Assert.Equal("", decoder.Flush());
    }

    [Fact]
    public void Decoder_CharacterCutOff_IsReplacedAtTheEnd()
    {
        TokenDecoder decoder = new ByteTokenizer().CreateDecoder();
        Assert.Equal("", decoder.Decode(0xE2));
        Assert.Equal("", decoder.Decode(0x82));
        Assert.Equal("\uFFFD", decoder.Flush());
        Assert.Equal("a", decoder.Decode('a'));
    }

    [Fact]
    public void Decoder_CharacterBroken_IsReplacedWhereItBreaks()
    {
        TokenDecoder decoder = new ByteTokenizer().CreateDecoder();
        Assert.Equal("", decoder.Decode(0xE2));
        Assert.Equal("\uFFFDa", decoder.Decode('a'));
    }

    [Theory]
    [InlineData("byte", """{"kind":"byte"}""")]
    [InlineData("char", """{"kind":"char","characters":"\n\u0022ab\u00E9\uD83D\uDE00"}""")]
    public void Json_WrittenAndRead_IsTheSameTokenizer(string kind, string expected)
    {
        const string Text = "ab\"é\n😀";
        Tokenizer tokenizer = Tokenizer.Create(kind, TextSource.FromText(Text));
        string json = Written(tokenizer);
        Assert.Equal(expected, json);
        Tokenizer read = Tokenizer.Read(JsonDocument.Parse(json).RootElement);
        Assert.Equal(tokenizer.GetType(), read.GetType());
        Assert.Equal(tokenizer.VocabularySize, read.VocabularySize);
        Assert.Equal(tokenizer.Encode(Text), read.Encode(Text));
    }

    [Fact]
    public void Json_AnyCharacters_ComeBack() => Properties.Hold(Properties.Texts, text =>
    {
        CharTokenizer tokenizer = CharTokenizer.FromText(text + ".");
        var read = (CharTokenizer)Tokenizer.Read(JsonDocument.Parse(Written(tokenizer)).RootElement);
        Assert.Equal(tokenizer.Characters, read.Characters);
    });

    [Theory]
    [InlineData("[]", "has no valid string 'kind'")]
    [InlineData("{}", "has no valid string 'kind'")]
    [InlineData("""{"kind":3}""", "has no valid string 'kind'")]
    [InlineData("""{"kind":"bpe"}""", "is of kind 'bpe', which this version of Andrea does not know")]
    [InlineData("""{"kind":"char"}""", "has no valid string 'characters'")]
    [InlineData("""{"kind":"char","characters":"\ud800"}""", "has no valid string 'characters'")]
    [InlineData("""{"kind":"char","characters":""}""", "are not at least one character in ascending order")]
    [InlineData("""{"kind":"char","characters":"ba"}""", "are not at least one character in ascending order")]
    [InlineData("""{"kind":"char","characters":"aa"}""", "are not at least one character in ascending order")]
    public void Json_Damaged_IsRefused(string json, string message)
    {
        var exception = Assert.Throws<TrainingDataException>(() => Tokenizer.Read(JsonDocument.Parse(json).RootElement));
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Char_UnknownCharacter_IsNamed()
    {
        CharTokenizer tokenizer = CharTokenizer.FromText("abc€");
        var exception = Assert.Throws<UnknownCharacterException>(() => tokenizer.Encode("a€é"));
        Assert.Equal(new Rune('é'), exception.Character);
        Assert.Equal(4, exception.Offset);
        Assert.Equal(
            "Character U+00E9 'é' at byte offset 4 of the text is not among the tokenizer's 4 characters; "
            + "replace it, train on text that contains it, or train with the byte tokenizer, which can encode every text.",
            exception.Message);
    }

    [Theory]
    [InlineData("\u0007", "Character U+0007 at")]
    [InlineData("\u0301", "Character U+0301 at")]
    [InlineData("\U0001F600", "Character U+1F600 '\U0001F600' at")]
    public void Char_UnknownCharacter_IsShownOnlyIfItCanBe(string text, string message)
    {
        var exception = Assert.Throws<UnknownCharacterException>(() => CharTokenizer.FromText("abc").Encode(text));
        Assert.StartsWith(message, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Char_InvalidBytes_AreRefusedWithTheirOffset()
    {
        CharTokenizer tokenizer = CharTokenizer.FromText("abc");
        var exception = Assert.Throws<InvalidTextException>(() => tokenizer.Encode([(byte)'a', 0xC0, 0x80]));
        Assert.Equal(1, exception.Offset);
        Assert.Equal("There is invalid UTF-8 in the given bytes: byte 0xC0 at offset 1; convert it to UTF-8 or leave it out.", exception.Message);
    }

    [Fact]
    public void Text_HalfASurrogatePair_IsRefusedWithItsIndex()
    {
        var exception = Assert.Throws<InvalidTextException>(() => new ByteTokenizer().Encode("ab\uD800c"));
        Assert.Equal(2, exception.Offset);
        Assert.Equal("There is half a surrogate pair, U+D800, at index 2 of the given text; remove it or complete the pair.", exception.Message);
    }

    [Theory]
    [InlineData("byte", -1, "Token -1 does not exist; the byte tokenizer has tokens 0 to 256.")]
    [InlineData("byte", 257, "Token 257 does not exist; the byte tokenizer has tokens 0 to 256.")]
    [InlineData("char", 3, "Token 3 does not exist; the char tokenizer has tokens 0 to 2.")]
    public void Decode_TokenThatDoesNotExist_IsRefused(string kind, int token, string message)
    {
        Tokenizer tokenizer = Tokenizer.Create(kind, TextSource.FromText("abc"));
        var exception = Assert.Throws<ArgumentOutOfRangeException>(() => tokenizer.Decode([token]));
        Assert.StartsWith(message, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_UnknownKind_IsRefused()
    {
        var exception = Assert.Throws<ArgumentException>(() => Tokenizer.Create("bytes", TextSource.FromText("abc")));
        Assert.StartsWith("There is no tokenizer of kind 'bytes'; choose byte, char, harris-N with N segments, such as harris-2048, or load a saved one.", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Char_EmptyText_IsRefused()
    {
        var exception = Assert.Throws<TrainingDataException>(() => CharTokenizer.FromText(""));
        Assert.Equal("There is not one character in the given text; give data with text in it.", exception.Message);
    }

    private static string Written(Tokenizer tokenizer)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
            tokenizer.Write(writer);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
