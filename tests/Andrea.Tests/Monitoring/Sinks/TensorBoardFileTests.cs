using Andrea.Monitoring;
using Andrea.Monitoring.Sinks;
using Andrea.Tests.Cpu;
using Andrea.Tests.Support;

namespace Andrea.Tests.Monitoring.Sinks;

public class TensorBoardFileTests
{
    // RFC 3720, B.4, and the usual check value.
    public static TheoryData<byte[], uint> CheckVectors => new()
    {
        { new byte[32], 0x8a9136aa },
        { [.. Enumerable.Repeat((byte)0xff, 32)], 0x62a8ab43 },
        { [.. Enumerable.Range(0, 32).Select(value => (byte)value)], 0x46dd794e },
        { [.. Enumerable.Range(0, 32).Select(value => (byte)(31 - value))], 0x113fdb5c },
        { "123456789"u8.ToArray(), 0xe3069283 },
    };

    [Theory, MemberData(nameof(CheckVectors))]
    public void Checksum_PublishedVectors_AreMet(byte[] data, uint expected)
    {
        Assert.Equal(expected, TfRecord.Checksum(data));
        Assert.Equal(expected, EventFileReader.Checksum(data));
    }

    [Fact]
    public void Scalars_ReadBackByAnIndependentReader_AreAllThere()
    {
        using var folder = new TemporaryFolder();
        List<ProtoFields> events = Write(folder, file =>
        {
            file.OnStep(TestRecords.Step(7));
            file.OnGradients(TestRecords.Gradients(7, updates: true));
            file.OnEvaluation(new EvaluationRecord(7, 1.25, Best: true));
            file.OnStep(TestRecords.SkippedStep(8));
            file.OnGradients(TestRecords.Gradients(8));
        });
        Assert.Equal("brain.Event:2", events[0].Text(3));
        Assert.All(events, message => Assert.Equal(1_700_000_000.5, message.Double(1)));
        Assert.Equal(
            [
                (7, "train/loss", 9.5f), (7, "grad/norm", 4.25f), (7, "grad/norm_after", 1f), (7, "grad/coefficient", 0.25f), (7, "lr", 3e-4f),
                (7, "tokens_per_second", 61440f),
                (7, "grad_norm/wte", 70f), (7, "grad_norm/h.0.attn", 71f), (7, "grad_norm/h.1.\"mlp\", a", 72f),
                (7, "update_ratio/wte", 0.125f), (7, "update_ratio/h.0.attn", 0.125f), (7, "update_ratio/h.1.\"mlp\", a", 0.125f),
                (7, "val/loss", 1.25f),
                (8, "train/loss", float.NaN), (8, "grad/norm", float.PositiveInfinity), (8, "grad/norm_after", float.NaN), (8, "grad/coefficient", 0f),
                (8, "lr", 3e-4f), (8, "tokens_per_second", 61440f),
                (8, "grad_norm/wte", 80f), (8, "grad_norm/h.0.attn", 81f), (8, "grad_norm/h.1.\"mlp\", a", 82f),
            ],
            EventFileReader.Scalars(events));
    }

    [Fact]
    public void Texts_AreTensorsOfStringsForTheTextPlugin()
    {
        using var folder = new TemporaryFolder();
        List<ProtoFields> events = Write(folder, file =>
        {
            file.OnSample(new SampleRecord(3, "späte\nZeile"));
            file.OnVerdict(TestRecords.Verdict(4));
        });
        ProtoFields sample = Assert.Single(events[1].Message(5).Messages(1)), verdict = Assert.Single(events[2].Message(5).Messages(1));
        Assert.Equal((3, 4), (events[1].Integer(2), events[2].Integer(2)));
        Assert.Equal("sample", sample.Text(1));
        Assert.Equal("text", sample.Message(9).Message(1).Text(1));
        Assert.Equal(7, sample.Message(8).Integer(1));
        Assert.Equal(1, sample.Message(8).Message(2).Message(2).Integer(1));
        Assert.Equal("späte\nZeile", sample.Message(8).Text(8));
        Assert.Equal("verdict", verdict.Text(1));
        Assert.Contains("DeadTensor: h.0.attn has had no gradient", verdict.Message(8).Text(8), StringComparison.Ordinal);
    }

    [Fact]
    public void DropAfter_WritesThatLaterStepsOfEarlierFilesAreVoid()
    {
        using var folder = new TemporaryFolder();
        Write(folder, file => file.OnStep(TestRecords.Step(9)));
        string[] before = Directory.GetFiles(folder.Path);
        List<ProtoFields> events = Write(folder, file =>
        {
            file.DropAfter(4);
            file.OnStep(TestRecords.Step(5));
        });
        Assert.Equal(2, Directory.GetFiles(folder.Path).Length);
        Assert.Single(before);
        Assert.Equal((5, 1), (events[1].Integer(2), events[1].Message(7).Integer(1)));
        Assert.Equal(5, events[2].Integer(2));
    }

    [Fact]
    public void File_CutOffAnywhere_GivesTheRecordsBefore()
    {
        using var folder = new TemporaryFolder();
        Write(folder, file =>
        {
            file.OnStep(TestRecords.Step(1));
            file.OnStep(TestRecords.Step(2));
        });
        byte[] whole = File.ReadAllBytes(Assert.Single(Directory.GetFiles(folder.Path)));
        int[] counts = [.. Enumerable.Range(0, whole.Length + 1).Select(length => EventFileReader.Read(whole[..length]).Count)];
        Assert.Equal([0, 1, 2, 3], counts.Distinct());
        Assert.Equal(counts.Order(), counts);
        // A control: the reader finds a single wrong bit.
        whole[^9] ^= 1;
        Assert.ThrowsAny<Exception>(() => EventFileReader.Read(whole));
    }

    [Fact]
    public void Step_AndGradients_AllocateNothing()
    {
        using var folder = new TemporaryFolder();
        using var file = new TensorBoardFile(folder.Path);
        StepRecord step = TestRecords.Step(1);
        GradientRecord gradients = TestRecords.Gradients(1, updates: true);
        Allocations.AssertNone(() =>
        {
            for (int i = 0; i < 20; i++)
            {
                file.OnStep(step);
                file.OnGradients(gradients);
            }
        });
    }

    [Fact]
    public void Name_IsThatOfEventFiles()
    {
        using var folder = new TemporaryFolder();
        using var file = new TensorBoardFile(folder.Path, new StoppedClock());
        Assert.StartsWith(
            $"events.out.tfevents.1700000000.{Environment.MachineName}.{Environment.ProcessId}.", Path.GetFileName(file.ToString()), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(folder.Path));
    }

    private static List<ProtoFields> Write(TemporaryFolder folder, Action<TensorBoardFile> write)
    {
        var file = new TensorBoardFile(folder.Path, new StoppedClock());
        write(file);
        file.Dispose();
        return EventFileReader.Read(File.ReadAllBytes(file.ToString()));
    }

    private sealed class StoppedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_500);
    }
}
