using System.Text;
using System.Text.Unicode;
using Andrea.Data;

namespace Andrea.Tests.Data;

public class Utf8BlockReaderTests
{
    [Fact]
    public void Read_AnyTextInAnyBlocks_GivesTheTextInWholeCharacters() => Properties.Hold(Properties.Texts, text =>
    {
        byte[] bytes = Encoding.UTF8.GetBytes("." + text);
        for (int blockLength = 1; blockLength <= 9; blockLength++)
            Assert.Equal(bytes, ReadAll(bytes, blockLength, bytesPerRead: 1 + blockLength % 3));
    });

    /// <summary>Each sequence alone, after ASCII and after characters of several bytes, at every place of a block.</summary>
    [Theory]
    [InlineData("80", "byte 0x80")] // continuation without a beginning
    [InlineData("BF41", "byte 0xBF")]
    [InlineData("C0AF", "byte 0xC0")] // overlong '/'
    [InlineData("C180", "byte 0xC1")]
    [InlineData("E08080", "byte 0xE0")] // overlong in three bytes
    [InlineData("E09FBF", "byte 0xE0")]
    [InlineData("F0808080", "byte 0xF0")] // overlong in four
    [InlineData("F08FBFBF", "byte 0xF0")]
    [InlineData("EDA080", "byte 0xED")] // first and last surrogate
    [InlineData("EDBFBF", "byte 0xED")]
    [InlineData("F4908080", "byte 0xF4")] // U+110000
    [InlineData("F5808080", "byte 0xF5")]
    [InlineData("F888808080", "byte 0xF8")] // five bytes
    [InlineData("FF", "byte 0xFF")]
    [InlineData("C341", "byte 0xC3")] // cut short by another character
    [InlineData("E28241", "byte 0xE2")]
    [InlineData("F09F9841", "byte 0xF0")]
    [InlineData("E282C3A9", "byte 0xE2")]
    public void Read_InvalidSequence_IsReportedAtItsFirstByte(string sequence, string message)
    {
        byte[] invalid = Convert.FromHexString(sequence);
        foreach (string before in (string[])["a", "é", "a€", "😀", "abcdefg", "aé€😀"])
        {
            byte[] prefix = Encoding.UTF8.GetBytes(before);
            foreach (string after in (string[])["", "z", "zzzzzzzzz"])
            {
                byte[] bytes = [.. prefix, .. invalid, .. Encoding.UTF8.GetBytes(after)];
                for (int blockLength = 1; blockLength <= 12; blockLength++)
                {
                    var exception = Assert.Throws<InvalidTextException>(() => ReadAll(bytes, blockLength));
                    Assert.Equal(prefix.Length, exception.Offset);
                    Assert.Equal("test", exception.Document);
                    Assert.StartsWith(
                        $"There is invalid UTF-8 in test: {message} at offset {prefix.Length};", exception.Message, StringComparison.Ordinal);
                }
            }
        }
    }

    [Theory]
    [InlineData("C3")]
    [InlineData("E2")]
    [InlineData("E282")]
    [InlineData("F0")]
    [InlineData("F09F")]
    [InlineData("F09F98")]
    public void Read_EndInsideACharacter_IsReportedAtItsFirstByte(string sequence)
    {
        byte[] unfinished = Convert.FromHexString(sequence);
        byte[] bytes = [.. "aé"u8, .. unfinished];
        for (int blockLength = 1; blockLength <= 12; blockLength++)
        {
            var exception = Assert.Throws<InvalidTextException>(() => ReadAll(bytes, blockLength));
            Assert.Equal(3, exception.Offset);
            Assert.Contains(
                $"it ends inside the character that begins with byte 0x{unfinished[0]:X2} at offset 3; convert it",
                exception.Message,
                StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("FFFE6100", "byte 0xFF at offset 0, which looks like UTF-16;")]
    [InlineData("FEFF0061", "byte 0xFE at offset 0, which looks like UTF-16;")]
    public void Read_Utf16_IsGuessed(string bytes, string message)
    {
        var exception = Assert.Throws<InvalidTextException>(() => ReadAll(Convert.FromHexString(bytes)));
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_ByteOrderMark_IsSkippedOnceAndCountedInOffsets()
    {
        for (int blockLength = 1; blockLength <= 12; blockLength++)
        {
            Assert.Equal("ab", Encoding.UTF8.GetString(ReadAll([0xEF, 0xBB, 0xBF, .. "ab"u8], blockLength)));
            Assert.Equal("\uFEFFab", Encoding.UTF8.GetString(ReadAll([0xEF, 0xBB, 0xBF, 0xEF, 0xBB, 0xBF, .. "ab"u8], blockLength)));
            Assert.Equal("a\uFEFFb", Encoding.UTF8.GetString(ReadAll([(byte)'a', 0xEF, 0xBB, 0xBF, (byte)'b'], blockLength)));
            Assert.Equal(5, Assert.Throws<InvalidTextException>(() => ReadAll([0xEF, 0xBB, 0xBF, .. "ab"u8, 0xFF], blockLength)).Offset);
        }
    }

    [Fact]
    public void Read_NothingUsed_KeepsTheTextAndReadsOn()
    {
        using var reader = new Utf8BlockReader(new PipeStream([.. "abcdefgh"u8]), "test", blockLength: 4);
        Assert.True(reader.Read());
        Assert.Equal("abcd"u8, reader.Text);
        reader.Advance(1);
        Assert.True(reader.Read());
        Assert.Equal("bcde"u8, reader.Text);
        Assert.True(reader.Read());
        Assert.Equal("bcdefgh"u8, reader.Text);
        Assert.True(reader.IsFinal);
        Assert.Equal(1, reader.Offset);
        Assert.False(reader.Read());
        Assert.Equal("bcdefgh"u8, reader.Text);
    }

    [Fact]
    public void Advance_BeyondTheText_IsRefused()
    {
        using var reader = new Utf8BlockReader(new PipeStream([.. "a€"u8]), "test", blockLength: 2);
        Assert.True(reader.Read());
        Assert.Equal(1, reader.Text.Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => reader.Advance(2));
        Assert.Throws<ArgumentOutOfRangeException>(() => reader.Advance(-1));
    }

    private static byte[] ReadAll(byte[] bytes, int blockLength = 16, int bytesPerRead = int.MaxValue)
    {
        var text = new List<byte>();
        using var reader = new Utf8BlockReader(new PipeStream(bytes, bytesPerRead), "test", blockLength);
        while (reader.Read())
        {
            // False if half a character was given out.
            Assert.True(Utf8.IsValid(reader.Text));
            text.AddRange(reader.Text);
            reader.Advance(reader.Text.Length);
        }
        Assert.Equal(bytes.Length, reader.Offset);
        return [.. text];
    }
}
