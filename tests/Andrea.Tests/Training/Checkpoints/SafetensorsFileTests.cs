using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using Andrea.Tensors;
using Andrea.Training.Checkpoints;

namespace Andrea.Tests.Training.Checkpoints;

public sealed class SafetensorsFileTests : IDisposable
{
    private readonly CheckpointFixture _fixture = new();

    private string File => _fixture.PathOf("model.safetensors");

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public void WriteAndRead_EveryKindOfFloat_KeepsEveryBit()
    {
        ParameterArena written = _fixture.Tensors().Parameters, read = _fixture.Tensors(salt: 1000).Parameters;
        CheckpointFixture.FillAwkward(written);
        SafetensorsFile.Write(File, written);
        SafetensorsFile.Read(File, read);
        Assert.Equal(CheckpointFixture.Bits(written), CheckpointFixture.Bits(read));
    }

    [Fact]
    public void WriteAndRead_TensorsLongerThanTheBuffer_KeepEveryBit()
    {
        var layout = new ParameterLayout();
        foreach ((string name, int length) in new[] { ("before", 3), ("exact", 1 << 18), ("over", (1 << 18) + 1), ("twice", (1 << 19) + 17) })
            layout.Add(name, new TensorShape(length));
        ParameterArena written = _fixture.Tensors(layout: layout).Parameters, read = _fixture.Tensors(salt: 1, layout: layout).Parameters;
        SafetensorsFile.Write(File, written);
        SafetensorsFile.Read(File, read);
        Assert.Equal(CheckpointFixture.Bits(written), CheckpointFixture.Bits(read));
    }

    [Fact]
    public void Write_SmallArena_GivesTheBytesOfTheSpecification()
    {
        var layout = new ParameterLayout();
        layout.Add("a", new TensorShape(1, 2));
        layout.Add("b", new TensorShape(1));
        ParameterArena arena = _fixture.Tensors(layout: layout).Parameters;
        CheckpointFixture.Fill(arena, index => index + 1);
        SafetensorsFile.Write(File, arena);
        byte[] expected = Encode(
            """{"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}""" + "  ",
            [0, 0, 0x80, 0x3F, 0, 0, 0, 0x40, 0, 0, 0x40, 0x40]);
        Assert.Equal(expected, System.IO.File.ReadAllBytes(File));
    }

    [Fact]
    public void Read_FileWrittenByHand_TakesItsElementsWhateverTheirOrder()
    {
        var layout = new ParameterLayout();
        layout.Add("a", new TensorShape(2));
        layout.Add("none", new TensorShape(3, 0));
        layout.Add("b", new TensorShape(1, 1));
        ParameterArena arena = _fixture.Tensors(layout: layout).Parameters;
        string header = """
            { "__metadata__": {"format":"pt"},
              "a": {"shape":[2], "dtype":"F32", "data_offsets":[4,12]}, "none": {"dtype":"F32","shape":[3,0],"data_offsets":[4,4]},
              "\u0062": {"dtype":"F32","shape":[1,1],"data_offsets":[0,4]} }
            """;
        System.IO.File.WriteAllBytes(File, Encode(header, [0, 0, 0x40, 0x40, 0, 0, 0x80, 0x3F, 0, 0, 0, 0x40]));
        SafetensorsFile.Read(File, arena);
        Assert.Equal([1f, 2f], arena["a"].ToArray());
        Assert.Equal([3f], arena["b"].ToArray());
    }

    [Fact]
    public void Write_AnyArena_GivesAHeaderThatAnotherParserUnderstands()
    {
        ParameterArena arena = _fixture.Tensors(layout: CheckpointFixture.SmallLayout(vectorName: "größe \"x\"\\")).Parameters;
        SafetensorsFile.Write(File, arena, new Dictionary<string, string> { ["note"] = "<tiny>" });
        byte[] file = System.IO.File.ReadAllBytes(File);

        int headerLength = checked((int)BinaryPrimitives.ReadUInt64LittleEndian(file));
        Assert.Equal(0, headerLength % 8);
        JsonObject header = JsonNode.Parse(file.AsSpan(8, headerLength))!.AsObject();
        Assert.Equal("<tiny>", (string?)header["__metadata__"]!["note"]);
        header.Remove("__metadata__");
        Assert.Equal(arena.Count, header.Count);
        long end = 0;
        for (int i = 0; i < arena.Count; i++)
        {
            JsonNode entry = header[arena.NameOf(i)]!;
            Assert.Equal("F32", (string?)entry["dtype"]);
            Assert.Equal(arena.ShapeOf(i).ToArray(), entry["shape"]!.AsArray().Select(size => (long)size!));
            Assert.Equal(end, (long)entry["data_offsets"]![0]!);
            end = (long)entry["data_offsets"]![1]!;
            for (int k = 0; k < arena.ShapeOf(i).Length; k++)
            {
                long at = 8 + headerLength + end - 4 * (arena.ShapeOf(i).Length - k);
                Assert.Equal(arena[i].ToArray()[k], BinaryPrimitives.ReadSingleLittleEndian(file.AsSpan((int)at)));
            }
        }
        Assert.Equal(file.Length, 8 + headerLength + end);
    }

    [Fact]
    public void Read_EveryTruncation_IsRefusedAndLeavesTheArena()
    {
        SafetensorsFile.Write(File, _fixture.Tensors().Parameters);
        byte[] intact = System.IO.File.ReadAllBytes(File);
        for (int length = 0; length < intact.Length; length++)
            AssertRefused(intact[..length], "safetensors");
        AssertRefused([.. intact, 0], "too many");
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}""", "JSON")]
    [InlineData("""["a"]""", "begin with '{'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "JSON")]
    [InlineData("""{"a":{"dtype":"BF16","shape":[4],"data_offsets":[0,8]}}""", "BF16")]
    [InlineData("""{"a":{"dtype":7,"shape":[2],"data_offsets":[0,8]}}""", "JSON")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}""", "not what it takes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", "lacks a valid")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}}""", "lacks a valid")]
    [InlineData("""{"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}""", "lacks a valid")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}""", "lacks a valid")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2]}}""", "lacks a valid")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", "not what it takes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}""", "not what it takes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[9223372036854775807,9223372036854775807,9223372036854775807],"data_offsets":[0,8]}}""", "not what it takes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"extra":1}}""", "unknown field 'extra'")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", "hole")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "overlap")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "too many")]
    [InlineData("""{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}""", "cut off")]
    [InlineData("""{"a":[]}""", "no object")]
    [InlineData("""{"__metadata__":{"x":1},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "__metadata__")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}}""", "expects (2)")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "expects (2)")]
    [InlineData("""{"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "'b' that this model lacks")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"z":{"dtype":"F32","shape":[0],"data_offsets":[8,8]}}""", "'z' that this model lacks")]
    public void Read_InvalidHeader_IsRefusedWithTheReason(string header, string reason)
    {
        var layout = new ParameterLayout();
        layout.Add("a", new TensorShape(2));
        AssertRefused(Encode(header, new byte[8]), reason, layout);
    }

    [Fact]
    public void Read_HeaderLengths_AreCheckedBeforeMemoryIsTaken()
    {
        (ulong, string)[] cases = [(ulong.MaxValue, "most allowed"), (100_000_001, "most allowed"), (99, "cut off"), (0, "'{'")];
        foreach ((ulong length, string reason) in cases)
        {
            var file = new byte[20];
            BinaryPrimitives.WriteUInt64LittleEndian(file, length);
            AssertRefused(file, reason);
        }
    }

    [Fact]
    public void Read_InvalidUtf8InAName_IsRefused()
    {
        byte[] file = Encode("""{"?":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", new byte[8]);
        file[Array.IndexOf(file, (byte)'?')] = 0xFF;
        AssertRefused(file, "JSON");
    }

    [Fact]
    public void Read_MissingTensor_NamesIt()
    {
        SafetensorsFile.Write(File, _fixture.Tensors(layout: new ParameterLayout()).Parameters);
        var exception = Assert.Throws<CheckpointFormatException>(() => SafetensorsFile.Read(File, _fixture.Tensors().Parameters));
        Assert.Contains("lacks 4 of this model's tensors, 'wte'", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_NoSuchFile_SaysSo()
    {
        var exception = Assert.Throws<CheckpointFormatException>(() => SafetensorsFile.Read(File, _fixture.Tensors().Parameters));
        Assert.Contains("There is no file", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_ExistingFile_ReplacesItAndLeavesNothingElse()
    {
        SafetensorsFile.Write(File, _fixture.Tensors().Parameters);
        CheckpointTensors newer = _fixture.Tensors(salt: 7);
        SafetensorsFile.Write(File, newer.Parameters);
        SafetensorsFile.Read(File, newer.FirstMoments);
        Assert.Equal(CheckpointFixture.Bits(newer.Parameters), CheckpointFixture.Bits(newer.FirstMoments));
        Assert.Equal([File], Directory.GetFileSystemEntries(_fixture.Folder));
    }

    private static byte[] Encode(string header, byte[] data)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length);
        return [.. length, .. json, .. data];
    }

    private void AssertRefused(byte[] file, string reason, ParameterLayout? layout = null)
    {
        ParameterArena arena = _fixture.Tensors(salt: 50, layout: layout).Parameters;
        uint[] before = CheckpointFixture.Bits(arena);
        System.IO.File.WriteAllBytes(File, file);
        var exception = Assert.Throws<CheckpointFormatException>(() => SafetensorsFile.Read(File, arena));
        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
        Assert.Contains(File, exception.Message, StringComparison.Ordinal);
        Assert.Equal(before, CheckpointFixture.Bits(arena));
    }
}
