using System.Text;
using Andrea.Data;
using Andrea.Tests.Support;

namespace Andrea.Tests.Data;

public class TextSourceTests
{
    private static readonly TokenDatasetOptions Plain = new() { ValidationFraction = 0, MarkDocuments = false };

    [Fact]
    public void Folder_Files_AreReadInOrdinalOrderOfTheirPaths()
    {
        using var folder = new TemporaryFolder();
        foreach (string name in (string[])["b.txt", "a/z.md", "a.txt", "B.TXT", "a/b/c.py", "é.txt", "a-b.txt", "10.txt", "9.txt"])
            folder.Write(name, Encoding.UTF8.GetBytes(name + ";"));
        Assert.Equal("10.txt;9.txt;B.TXT;a-b.txt;a.txt;a/b/c.py;a/z.md;b.txt;é.txt;", TextOf(folder.Path));
        Assert.Equal("10.txt;9.txt;B.TXT;a-b.txt;a.txt;a/b/c.py;a/z.md;b.txt;é.txt;", TextOf(folder.Path + "/"));
    }

    [Fact]
    public void Nulls_AreRefusedByTheirPlace()
    {
        TextSource text = TextSource.FromText("abc");
        var tokenizer = new ByteTokenizer();
        (Action Call, string Parameter, string Expected)[] calls =
        [
            (() => Tokenizer.Create(null!, text), "kind", ""),
            (() => Tokenizer.Create("byte", null!), "source", ""),
            (() => TokenDataset.FromText("abc", null!), "tokenizerKind", ""),
            (() => TokenDataset.FromText(null!, "byte"), "text", ""),
            (() => TokenDataset.FromFiles(["a.txt"], null!), "tokenizerKind", ""),
            (() => TokenDataset.Create([new NamedText("a", text), null!], tokenizer), "sources", "Source 1 of 2 is null"),
            (() => TokenDataset.Create([new NamedText("a", null!)], tokenizer), "sources", "Source 0 of 1 is null"),
            (() => TextSource.Join(text, null!), "sources", "Source 1 is null"),
            (() => TextSource.FromText("abc", null!), "documents", "Document 1 of 2 is null"),
        ];
        foreach ((Action call, string parameter, string expected) in calls)
        {
            var error = Assert.ThrowsAny<ArgumentException>(call);
            Assert.Equal(parameter, error.ParamName);
            Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Folder_WhatIsNotText_IsLeftOut()
    {
        using var folder = new TemporaryFolder();
        string[] names = ["a.txt", "a.png", "a.json", "noextension", ".hidden.txt", ".git/a.txt", "a.txt.gz", "sub.txt/a.bin", "notes.Md"];
        foreach (string name in names)
            folder.Write(name, Encoding.UTF8.GetBytes(name + ";"));
        Assert.Equal("a.txt;notes.Md;", TextOf(folder.Path));
    }

    [Fact]
    public void Folder_Links_FilesAreReadAndFoldersNotEntered()
    {
        using var folder = new TemporaryFolder();
        string file = folder.Write("a.txt", "a;"u8);
        File.CreateSymbolicLink(Path.Combine(folder.Path, "b.txt"), file);
        Directory.CreateSymbolicLink(Path.Combine(folder.Path, "circle"), folder.Path);
        Assert.Equal("a;a;", TextOf(folder.Path));
    }

    [Fact]
    public void Paths_Several_AreReadInTheOrderGiven()
    {
        using var folder = new TemporaryFolder();
        string second = folder.Write("b.bin", "b;"u8);
        string first = folder.Write("sub/a.txt", "a;"u8);
        Assert.Equal("b;a;b;a;", TextOf(second, Path.GetDirectoryName(first)!, second, first));
    }

    [Fact]
    public void File_WindowsLineEndsAndOddCharacters_AreKept()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("a.txt", "\uFEFFa\r\nb\rc\n\u0000\u2028\uFEFF\n\n"u8);
        Assert.Equal("a\r\nb\rc\n\u0000\u2028\uFEFF\n\n", TextOf(path));
    }

    [Fact]
    public void File_LongerThanABlock_IsReadWhole()
    {
        using var folder = new TemporaryFolder();
        // 7 bytes a line never fit a block, so that characters are cut at its end.
        string text = string.Concat(Enumerable.Range(0, 3 * Utf8BlockReader.DefaultBlockLength / 7).Select(line => $"€é{line % 10}\n"));
        string path = folder.Write("a.txt", Encoding.UTF8.GetBytes(text));
        Assert.Equal(text, TextOf(path));
        TokenDataset characters = TokenDataset.FromFiles([path], "char", Plain);
        Assert.Equal(text, characters.Tokenizer.Decode(characters.Training.ToArray()));
    }

    [Fact]
    public void File_InvalidByte_IsReportedWithPathAndOffset()
    {
        using var folder = new TemporaryFolder();
        byte[] bytes = new byte[Utf8BlockReader.DefaultBlockLength + 100];
        Array.Fill(bytes, (byte)'a');
        bytes[^3] = 0xE9;
        string path = folder.Write("latin1.txt", bytes);
        foreach (string kind in (string[])["byte", "char"])
        {
            var exception = Assert.Throws<InvalidTextException>(() => TokenDataset.FromFiles([path], kind));
            Assert.Equal(bytes.Length - 3, exception.Offset);
            Assert.Equal(
                $"There is invalid UTF-8 in '{path}': byte 0xE9 at offset {bytes.Length - 3}; convert it to UTF-8 or leave it out.",
                exception.Message);
        }
    }

    [Fact]
    public void File_UnknownCharacter_IsReportedWithPathAndOffset()
    {
        using var folder = new TemporaryFolder();
        byte[] bytes = new byte[2 * Utf8BlockReader.DefaultBlockLength];
        Array.Fill(bytes, (byte)'a');
        bytes[^2] = (byte)'?';
        TextSource source = TextSource.FromFiles(folder.Write("a.txt", bytes));
        var exception = Assert.Throws<UnknownCharacterException>(() => TokenDataset.Create(source, CharTokenizer.FromText("ab")));
        Assert.Equal(bytes.Length - 2, exception.Offset);
        Assert.Contains($"Character U+003F '?' at byte offset {bytes.Length - 2} of '{folder.Path}", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Path_Missing_IsRefused()
    {
        var exception = Assert.Throws<FileNotFoundException>(() => TextSource.FromFiles("no-such-file.txt"));
        Assert.Equal("no-such-file.txt", exception.FileName);
        Assert.Equal("There is no file or folder 'no-such-file.txt'; check the path, or give - for standard input.", exception.Message);
    }

    [Fact]
    public void Paths_None_AreRefused()
    {
        var exception = Assert.Throws<TrainingDataException>(() => TextSource.FromFiles());
        Assert.Equal("No data was given; give at least one file or folder, or - for standard input.", exception.Message);
    }

    [Fact]
    public void Folder_WithoutText_IsRefused()
    {
        using var folder = new TemporaryFolder();
        folder.Write("a.png", "a"u8);
        var exception = Assert.Throws<TrainingDataException>(() => TextSource.FromFiles(folder.Path));
        Assert.StartsWith($"The folder '{folder.Path}' has no text files; looked for .txt ", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("byte")]
    [InlineData("char")]
    public void Files_Empty_AreRefused(string kind)
    {
        using var folder = new TemporaryFolder();
        string empty = folder.Write("a.txt", []);
        string onlyMark = folder.Write("b.txt", "\uFEFF"u8);
        var one = Assert.Throws<TrainingDataException>(() => TokenDataset.FromFiles([empty], kind));
        Assert.Equal($"There is not one character in '{empty}'; give data with text in it.", one.Message);
        var two = Assert.Throws<TrainingDataException>(() => TokenDataset.FromFiles([empty, onlyMark], kind));
        Assert.Equal("There is not one character in the 2 documents that were given; give data with text in it.", two.Message);
    }

    [Theory]
    [InlineData("byte")]
    [InlineData("char")]
    public void StandardInput_AmongFiles_IsReadOnceAndClosed(string kind)
    {
        using var folder = new TemporaryFolder();
        string file = folder.Write("a.txt", "abc"u8);
        var pipe = new PipeStream([.. "d€"u8], bytesPerRead: 1);
        int opened = 0;
        TextSource source = TextSource.FromFiles([file, "-", file], () => { opened++; return pipe; });
        Assert.Equal(0, opened);
        TokenDataset dataset = TokenDataset.Create(source, Tokenizer.Create(kind, source), Plain);
        Assert.Equal("abcd€abc", dataset.Tokenizer.Decode(dataset.Training.ToArray()));
        Assert.Equal(1, opened);
        Assert.True(pipe.IsClosed);
    }

    [Fact]
    public void StandardInput_Twice_IsRefused()
    {
        var exception = Assert.Throws<TrainingDataException>(() => TextSource.FromFiles("-", "-"));
        Assert.Equal("Standard input (-) was given twice, but can be read only once; give it once.", exception.Message);
    }

    [Fact]
    public void StandardInput_InvalidByte_IsReportedWithItsOffset()
    {
        TextSource source = TextSource.FromFiles(["-"], () => new PipeStream([(byte)'a', 0xFF]));
        var exception = Assert.Throws<InvalidTextException>(() => TokenDataset.Create(source, new ByteTokenizer()));
        Assert.Equal("There is invalid UTF-8 in standard input: byte 0xFF at offset 1; convert it to UTF-8 or leave it out.", exception.Message);
    }

    [Fact]
    public void Stream_ReadASecondTime_IsRefused()
    {
        TextSource source = TextSource.FromStream(new PipeStream([.. "abc"u8]), "the pipe");
        TokenDataset.Create(source, new ByteTokenizer());
        var exception = Assert.Throws<InvalidOperationException>(() => TokenDataset.Create(source, new ByteTokenizer()));
        Assert.Equal("the pipe can be read only once, and has been read already; make a new TextSource.", exception.Message);
    }

    [Fact]
    public void Stream_TooLongToKeep_IsRefused()
    {
        var exception = Assert.Throws<TrainingDataException>(
            () => TextDocument.ReadAll(new PipeStream(new byte[101]), "standard input", maximumLength: 100));
        Assert.Equal(
            "This tokenizer reads its data twice, standard input can be read only once, and is longer than the 100 bytes that are kept in memory; "
            + "write it to a file first.",
            exception.Message);
        Assert.Equal(100, TextDocument.ReadAll(new PipeStream(new byte[100]), "standard input", maximumLength: 100).Length);
    }

    [Fact]
    public async Task NamedPipe_CharTokenizer_IsReadOnce()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no named pipes among its files.");
        using var folder = new TemporaryFolder();
        string path = Path.Combine(folder.Path, "pipe");
        using (var process = System.Diagnostics.Process.Start("mkfifo", [path]))
            await process.WaitForExitAsync();
        Task writer = Task.Run(() => File.WriteAllText(path, "ab€"));
        TokenDataset dataset = TokenDataset.FromFiles([path], "char", Plain);
        await writer.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Equal([0, 1, 2], dataset.Training.ToArray());
    }

    private static string TextOf(params string[] paths)
    {
        TokenDataset dataset = TokenDataset.FromFiles(paths, "byte", Plain);
        return dataset.Tokenizer.Decode(dataset.Training.ToArray());
    }
}
