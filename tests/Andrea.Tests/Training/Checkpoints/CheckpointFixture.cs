using System.Runtime.InteropServices;
using System.Text.Json;
using Andrea.Gpt;
using Andrea.Tensors;
using Andrea.Training.Checkpoints;

namespace Andrea.Tests.Training.Checkpoints;

/// <summary>A folder of its own and the arenas of a tiny model, whose elements include every kind of float32.</summary>
internal sealed class CheckpointFixture : IDisposable
{
    /// <summary>Quiet and signalling NaNs with payloads, infinities, signed zeros, denormals, extremes.</summary>
    public static readonly uint[] AwkwardBits =
        [0x7FC00001, 0xFFC12345, 0x7F800001, 0x7F800000, 0xFF800000, 0x80000000, 0, 1, 0x807FFFFF, 0x7F7FFFFF, 0x00800000, 0x3F800001];

    private readonly Device _device = Andrea.Device.Cpu(1);
    private readonly List<CheckpointTensors> _owned = [];

    public string Folder { get; } = Directory.CreateTempSubdirectory("andrea-checkpoints-").FullName;

    public static GptConfig Config => new() { VocabularySize = 3, ContextLength = 2, ChannelCount = 2, HeadCount = 1, LayerCount = 1 };

    /// <summary>A matrix, an empty tensor, a vector, a tensor of four dimensions: 23 elements.</summary>
    public static ParameterLayout SmallLayout(int vectorLength = 5, string vectorName = "h.0.ln_1.weight")
    {
        var layout = new ParameterLayout();
        layout.Add("wte", new TensorShape(2, 3));
        layout.Add("empty", new TensorShape(0, 4));
        layout.Add(vectorName, new TensorShape(vectorLength));
        layout.Add("four", new TensorShape(1, 2, 3, 2));
        return layout;
    }

    public string PathOf(string name) => Path.Combine(Folder, name);

    /// <summary>Arenas whose elements differ from one another; <paramref name="salt"/> makes them differ from other arenas'.</summary>
    public CheckpointTensors Tensors(float salt = 0, ParameterLayout? layout = null)
    {
        layout ??= SmallLayout();
        var tensors = new CheckpointTensors(new(_device, layout), new(_device, layout), new(_device, layout));
        _owned.Add(tensors);
        Fill(tensors.Parameters, index => salt + index + 0.125f);
        Fill(tensors.FirstMoments, index => salt + index + 0.25f);
        Fill(tensors.SecondMoments, index => salt + index + 0.5f);
        return tensors;
    }

    /// <summary>Sets every element to what its index in the order of the file gives.</summary>
    public static void Fill(ParameterArena arena, Func<int, float> value)
    {
        int index = 0;
        for (int i = 0; i < arena.Count; i++)
        {
            var values = new float[arena.ShapeOf(i).Length];
            for (int k = 0; k < values.Length; k++)
                values[k] = value(index++);
            arena[i].CopyFrom(values);
        }
    }

    public static void FillAwkward(ParameterArena arena) =>
        Fill(arena, index => BitConverter.UInt32BitsToSingle(AwkwardBits[index % AwkwardBits.Length]));

    /// <summary>The bits of all elements, in the order of the file.</summary>
    public static uint[] Bits(params ReadOnlySpan<ParameterArena> arenas)
    {
        var bits = new List<uint>();
        foreach (ParameterArena arena in arenas)
            for (int i = 0; i < arena.Count; i++)
                bits.AddRange(MemoryMarshal.Cast<float, uint>(arena[i].ToArray()));
        return [.. bits];
    }

    public static uint[] Bits(CheckpointTensors tensors) => Bits(tensors.Parameters, tensors.FirstMoments, tensors.SecondMoments);

    public static CheckpointState State(long step = 100, double? validationLoss = null) => new()
    {
        Step = step,
        Config = Config,
        Trainer = JsonSerializer.SerializeToElement("options"),
        Optimizer = new OptimizerCounters(step - 1, 0.1 + 0.2, double.Epsilon),
        Clip = new ClipCounters(step, 7, 1, 0),
        Data = new DataProgress(ulong.MaxValue, 12_345_678_901),
        ValidationLoss = validationLoss,
    };

    public void Dispose()
    {
        foreach (CheckpointTensors tensors in _owned)
            foreach (ParameterArena arena in (ReadOnlySpan<ParameterArena>)[tensors.Parameters, tensors.FirstMoments, tensors.SecondMoments])
                arena.Dispose();
        _device.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
