using System.Buffers.Binary;
using Andrea.Gpt;
using Andrea.Tensors;
using Andrea.Training.Checkpoints;

namespace Andrea.Tests.Training.Checkpoints;

public sealed class AndreaBinTests : IDisposable
{
    private static readonly ParameterLayout Layout = GptParameters.CreateLayout(CheckpointFixture.Config);

    private readonly CheckpointFixture _fixture = new();

    private string File => _fixture.PathOf(AndreaBin.FileNameOf(100));

    public void Dispose() => _fixture.Dispose();

    [Fact]
    public void FileNameOf_Step_HasSixDigits() => Assert.Equal("step_000100.bin", AndreaBin.FileNameOf(100));

    [Fact]
    public void WriteAndRead_AllElements_KeepEveryBit()
    {
        CheckpointTensors written = _fixture.Tensors(layout: Layout), read = _fixture.Tensors(salt: 1000, Layout);
        CheckpointFixture.FillAwkward(written.Parameters);
        Write(43_587, written);
        Assert.Equal(43_587, Read(read));
        Assert.Equal(CheckpointFixture.Bits(written), CheckpointFixture.Bits(read));
    }

    [Fact]
    public void Write_SmallArenas_GivesStepCountAndThreeParts()
    {
        var layout = new ParameterLayout();
        layout.Add("wte", new TensorShape(1, 2));
        layout.Add("ln_f.weight", new TensorShape(1));
        CheckpointTensors tensors = _fixture.Tensors(layout: layout);
        CheckpointFixture.Fill(tensors.Parameters, index => index + 1);
        Write(258, tensors);
        byte[] bytes = System.IO.File.ReadAllBytes(File);
        Assert.Equal([2, 1, 0, 0, 3, 0, 0, 0, 0, 0, 0x80, 0x3F, 0, 0, 0, 0x40, 0, 0, 0x40, 0x40], bytes[..20]);
        Assert.Equal(8 + 3 * 3 * 4, bytes.Length);
        Assert.Equal(0.25f, BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(20)));
        Assert.Equal(2.5f, BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(40)));
    }

    [Fact]
    public void WriteAndRead_MatricesOnly_LeavesNormsAsTheyAre()
    {
        CheckpointTensors written = _fixture.Tensors(layout: Layout), read = _fixture.Tensors(salt: 1000, Layout);
        CheckpointTensors before = _fixture.Tensors(salt: 1000, Layout);
        Write(1, written, matricesOnly: true);
        Assert.Equal(1, Read(read));
        for (int tensor = 0; tensor < Layout.Count; tensor++)
        {
            CheckpointTensors expected = Layout.ShapeOf(tensor).Rank == 2 ? written : before;
            Assert.Equal(expected.Parameters[tensor].ToArray(), read.Parameters[tensor].ToArray());
            Assert.Equal(expected.FirstMoments[tensor].ToArray(), read.FirstMoments[tensor].ToArray());
            Assert.Equal(expected.SecondMoments[tensor].ToArray(), read.SecondMoments[tensor].ToArray());
        }
    }

    [Fact]
    public void Write_MatricesOnly_CountsThePublishedWeights()
    {
        // The published 12M: V 2305, d 384, 6 layers, context 1024 has 12,780,288 matrix weights. Counted here from shapes; nothing is allocated.
        ParameterLayout layout = GptParameters.CreateLayout(
            new GptConfig { VocabularySize = 2305, ContextLength = 1024, ChannelCount = 384, HeadCount = 12, LayerCount = 6 });
        long matrices = Enumerable.Range(0, layout.Count).Where(i => layout.ShapeOf(i).Rank == 2).Sum(i => layout.ShapeOf(i).Length);
        Assert.Equal(12_780_288, matrices);
    }

    [Fact]
    public void Read_EveryTruncation_IsRefusedAndLeavesTheArenas()
    {
        Write(100, _fixture.Tensors(layout: Layout));
        byte[] intact = System.IO.File.ReadAllBytes(File);
        for (int length = 0; length < intact.Length; length++)
            AssertRefused(intact[..length], "cut off");
        AssertRefused([.. intact, 0], "too many");
    }

    [Fact]
    public void Read_AnotherCount_IsRefusedWithTheNumbers()
    {
        Write(100, _fixture.Tensors(layout: Layout));
        byte[] file = System.IO.File.ReadAllBytes(File);
        int all = BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(4));
        foreach (int count in (ReadOnlySpan<int>)[all + 1, -1, 0, int.MaxValue, int.MinValue])
        {
            BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(4), count);
            AssertRefused(file, $"holds {count} weights; this model has {all}, {all - 6} of them in matrices");
        }
    }

    [Fact]
    public void Read_NegativeStep_IsRefused()
    {
        Write(100, _fixture.Tensors(layout: Layout));
        byte[] file = System.IO.File.ReadAllBytes(File);
        file[3] = 0x80;
        AssertRefused(file, "steps count from 0");
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(int.MaxValue + 1L)]
    [InlineData(long.MaxValue)]
    public void Write_StepThatTheFileCannotCount_IsRefused(long step)
    {
        foreach (Action write in (Action[])[() => Write(step, _fixture.Tensors(layout: Layout)), () => AndreaBin.FileNameOf(step)])
            Assert.Contains($"The step is {step}; ANDREA's format counts steps from 0", Assert.Throws<ArgumentOutOfRangeException>(write).Message, StringComparison.Ordinal);
        Assert.False(System.IO.File.Exists(File));
    }

    [Fact]
    public void WriteAndRead_LargestStep_IsKept()
    {
        Write(int.MaxValue, _fixture.Tensors(layout: Layout));
        Assert.Equal(int.MaxValue, Read(_fixture.Tensors(layout: Layout)));
    }

    [Fact]
    public void Write_MomentsOfAnotherLayout_IsAnError()
    {
        CheckpointTensors one = _fixture.Tensors(layout: Layout), other = _fixture.Tensors();
        Assert.Throws<ArgumentException>(() => AndreaBin.Write(File, 1, one.Parameters, one.FirstMoments, other.SecondMoments));
    }

    private void Write(long step, CheckpointTensors tensors, bool matricesOnly = false) =>
        AndreaBin.Write(File, step, tensors.Parameters, tensors.FirstMoments, tensors.SecondMoments, matricesOnly);

    private long Read(CheckpointTensors tensors) => AndreaBin.Read(File, tensors.Parameters, tensors.FirstMoments, tensors.SecondMoments);

    private void AssertRefused(byte[] file, string reason)
    {
        CheckpointTensors tensors = _fixture.Tensors(salt: 500, Layout);
        uint[] before = CheckpointFixture.Bits(tensors);
        System.IO.File.WriteAllBytes(File, file);
        var exception = Assert.Throws<CheckpointFormatException>(() => Read(tensors));
        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
        Assert.Equal(before, CheckpointFixture.Bits(tensors));
    }
}
