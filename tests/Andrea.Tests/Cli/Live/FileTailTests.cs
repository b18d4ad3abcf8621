using System.Text;
using Andrea.Cli.Live;
using Andrea.Tests.Support;

namespace Andrea.Tests.Cli.Live;

public sealed class FileTailTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _path;

    public FileTailTests() => _path = _folder["file.jsonl"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_FileThatIsNotThereYet_BeginsWhenItComes()
    {
        var tail = new FileTail(_path);
        Assert.Equal((TailChange.None, ""), Read(tail));
        File.WriteAllText(_path, "one\n");
        Assert.Equal((TailChange.Lines, "one\n"), Read(tail));
        Assert.Equal((TailChange.None, ""), Read(tail));
    }

    [Fact]
    public void Read_HandsOverWholeLinesOnly()
    {
        File.WriteAllText(_path, "one\ntw");
        var tail = new FileTail(_path);
        Assert.Equal((TailChange.Lines, "one\n"), Read(tail));
        Assert.Equal((TailChange.None, ""), Read(tail));
        File.AppendAllText(_path, "o");
        Assert.Equal((TailChange.None, ""), Read(tail));
        File.AppendAllText(_path, "\n\nthree");
        Assert.Equal((TailChange.Lines, "two\n\n"), Read(tail));
        Assert.Equal(9, tail.Position);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(257)]
    [InlineData(5_000)]
    [InlineData(200_000)]
    public void Read_LinesOfAnyLength_ComeOnceAndInOrder(int length)
    {
        string[] lines = [.. Enumerable.Range(0, 10).Select(i => new string((char)('a' + i), length) + "\n")];
        File.WriteAllText(_path, string.Concat(lines[..6]));
        var tail = new FileTail(_path);
        var all = new StringBuilder();
        ReadAll(tail, all);
        foreach (string line in lines[6..])
        {
            File.AppendAllText(_path, line);
            ReadAll(tail, all);
        }
        Assert.Equal(string.Concat(lines), all.ToString());
    }

    [Fact]
    public void Read_FileCut_IsAReset()
    {
        File.WriteAllText(_path, "one\ntwo\nthree\n");
        var tail = new FileTail(_path);
        ReadAll(tail);
        File.WriteAllText(_path, "one\n");
        Assert.Equal((TailChange.Reset, ""), Read(tail));
        Assert.Equal(4, tail.Position);
        File.AppendAllText(_path, "two again\n");
        Assert.Equal((TailChange.Lines, "two again\n"), Read(tail));
    }

    [Fact]
    public void Read_FileReplacedByALongerOne_IsAReset()
    {
        File.WriteAllText(_path, "one\ntwo\nthree\n");
        var tail = new FileTail(_path);
        ReadAll(tail);
        Replace("one\nTWO\nTHREE\nfour\n");
        Assert.Equal((TailChange.Reset, ""), Read(tail));
        File.AppendAllText(_path, "five\n");
        Assert.Equal((TailChange.Lines, "five\n"), Read(tail));
    }

    [Fact]
    public void Read_FileReplacedByTheSameWithMore_GoesOn()
    {
        File.WriteAllText(_path, "one\ntwo\n");
        var tail = new FileTail(_path);
        ReadAll(tail);
        Replace("one\ntwo\nthree\n");
        Assert.Equal((TailChange.Lines, "three\n"), Read(tail));
    }

    [Fact]
    public void Read_FileGoneAndBack_IsAReset()
    {
        File.WriteAllText(_path, "one\n");
        var tail = new FileTail(_path);
        ReadAll(tail);
        File.Delete(_path);
        Assert.Equal((TailChange.Reset, ""), Read(tail));
        Assert.Equal((TailChange.None, ""), Read(tail));
        File.WriteAllText(_path, "new\n");
        Assert.Equal((TailChange.Lines, "new\n"), Read(tail));
    }

    [Fact]
    public void TryGoTo_OnlyWhereALineEnds()
    {
        File.WriteAllText(_path, "one\ntwo\nthr");
        var tail = new FileTail(_path);
        Assert.True(tail.TryGoTo(4));
        Assert.Equal((TailChange.Lines, "two\n"), Read(tail));
        Assert.True(tail.TryGoTo(0));
        foreach (long wrong in (long[])[-1, 3, 5, 9, 100])
        {
            Assert.False(tail.TryGoTo(wrong));
            Assert.Equal(8, tail.Position);
        }
    }

    [Fact]
    public void Mark_LeadsBackToItsPlace_AndIsRefusedInAnotherFile()
    {
        string[] lines = [.. Enumerable.Range(0, 40).Select(i => $"line {i}, which is one of forty\n")];
        File.WriteAllText(_path, string.Concat(lines));
        var tail = new FileTail(_path);
        Assert.Equal(TailChange.Lines, tail.Read(out ReadOnlyMemory<byte> read));
        int bytes = lines[..25].Sum(line => line.Length);
        string mark = tail.MarkWithin(bytes);
        Assert.Equal(tail.Mark(), tail.MarkWithin(read.Length));

        var other = new FileTail(_path);
        Assert.True(other.TryGoTo(mark));
        Assert.Equal(bytes, other.Position);
        Assert.Equal(mark, other.Mark());
        Assert.Equal((TailChange.Lines, string.Concat(lines[25..])), Read(other));

        lines[24] = lines[24].Replace("one", "two", StringComparison.Ordinal);
        File.WriteAllText(_path, string.Concat(lines));
        foreach (string wrong in (string[])[mark, "", "x", "4.", "-1.0", mark + "0"])
        {
            Assert.False(other.TryGoTo(wrong));
            Assert.Equal(string.Concat(lines).Length, other.Position);
        }
    }

    private static void ReadAll(FileTail tail, StringBuilder? all = null)
    {
        while (Read(tail) is (TailChange.Lines, var text))
            all?.Append(text);
    }

    private static (TailChange, string) Read(FileTail tail)
    {
        TailChange change = tail.Read(out ReadOnlyMemory<byte> lines);
        return (change, Encoding.UTF8.GetString(lines.Span));
    }

    /// <summary>As a resumed run does.</summary>
    private void Replace(string text)
    {
        File.WriteAllText(_path + ".tmp", text);
        File.Move(_path + ".tmp", _path, overwrite: true);
    }
}
