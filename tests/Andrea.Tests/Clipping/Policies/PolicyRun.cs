using Andrea.Clipping;
using Andrea.Optim;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Clipping.Policies;

/// <summary>Gradients and parameters on some device, clipped by a policy step after step.</summary>
internal sealed class PolicyRun : IDisposable
{
    private const float Gap = 4321.5f;

    private readonly TestDevice _device;
    private readonly TensorShape[] _shapes;
    private readonly long[] _starts;
    private readonly DeviceBuffer<float> _gradientMemory, _parameterMemory;
    private readonly ExternalTensors _gradients = new(), _parameters = new();
    private readonly AdamW? _optimizer;

    /// <param name="device">Where.</param><param name="options">How to clip.</param><param name="shapes">Of the tensors.</param>
    /// <param name="withOptimizer">Whether steps are AdamW's, which folds the clip in, instead of clips by themselves.</param>
    /// <param name="offset">Floats by which tensors begin after a multiple of 64 bytes.</param>
    public PolicyRun(TestDevice device, GradClipperOptions options, TensorShape[] shapes, bool withOptimizer = false, int offset = 0)
    {
        (_device, _shapes) = (device, shapes);
        _starts = new long[shapes.Length];
        long end = 0;
        for (int i = 0; i < shapes.Length; i++)
        {
            _starts[i] = (end + 16) / 16 * 16 + offset;
            end = _starts[i] + shapes[i].Length;
        }
        _gradientMemory = Filled(end + 16);
        _parameterMemory = Filled(end + 16);
        for (int i = 0; i < shapes.Length; i++)
        {
            _gradients.Add($"t{i}", _gradientMemory.Address + (nint)(_starts[i] * sizeof(float)), shapes[i].Length, shapes[i]);
            _parameters.Add($"t{i}", _parameterMemory.Address + (nint)(_starts[i] * sizeof(float)), shapes[i].Length, shapes[i]);
            _parameterMemory.CopyFrom(TestDevice.Normal((ulong)(100 + i), shapes[i].Length, 0.5), _starts[i]);
        }
        Clipper = new GradClipper(device.Device, _gradients, options, withOptimizer ? null : _parameters);
        if (withOptimizer)
            _optimizer = new AdamW(device.Device, _parameters, _gradients, new AdamWOptions { WeightDecay = 0.1 }, Clipper);
    }

    public GradClipper Clipper { get; }

    public static TensorShape[] Vectors(params int[] lengths) => [.. lengths.Select(length => new TensorShape(length))];

    public void WriteParameters(params float[][] values) => Write(_parameterMemory, values);

    /// <summary>One step with these gradients.</summary>
    public ClipResult Step(params float[][] gradients)
    {
        Write(_gradientMemory, gradients);
        if (_optimizer is null)
            Clipper.Clip();
        else
            _optimizer.Step(0.01);
        return Clipper.Read();
    }

    /// <summary>The same without writing or waiting.</summary>
    public void StepAgain()
    {
        if (_optimizer is null)
            Clipper.Clip();
        else
            _optimizer.Step(0.01);
    }

    public float[][] Gradients => Read(_gradientMemory);

    public float[][] Parameters => Read(_parameterMemory);

    public Andrea.Backends.TensorNorm[] Norms
    {
        get
        {
            var norms = new Andrea.Backends.TensorNorm[_shapes.Length];
            Clipper.TensorNorms.CopyTo(norms);
            return norms;
        }
    }

    /// <summary>Everything there is, in words that differ as soon as one bit does; all NaNs count as one.</summary>
    public string Everything()
    {
        var words = new List<string>();
        foreach (DeviceBuffer<float> memory in (DeviceBuffer<float>[])[_gradientMemory, _parameterMemory])
        {
            var values = new float[memory.Length];
            memory.CopyTo(values);
            words.Add(string.Join(' ', values.Select(value => float.IsNaN(value) ? "NaN" : $"{BitConverter.SingleToUInt32Bits(value):x8}")));
        }
        words.AddRange(Norms.Select(n => $"{Bits(n.Norm)} {Bits(n.Coefficient)} {Bits(n.NormAfter)}"));
        ClipResult r = Clipper.Read();
        words.Add($"{Bits(r.NormBefore)} {Bits(r.NormAfter)} {Bits(r.Coefficient)} {r.Call} {r.ClippedCalls} {r.SkippedCalls} {r.Skipped}");
        words.Add(StateOf(Clipper));
        return string.Join('\n', words);
    }

    /// <summary>The bits of what the policy remembers.</summary>
    public static string StateOf(GradClipper clipper) => clipper.ReadPolicyState() is not { } state ? "none"
        : $"{state.Kind} {state.Version} {string.Join("; ", state.Values.Select(pair => $"{pair.Key}: {string.Join(' ', pair.Value.Select(Bits))}"))}";

    public void Dispose()
    {
        _optimizer?.Dispose();
        Clipper.Dispose();
        _gradients.Dispose();
        _parameters.Dispose();
    }

    private static string Bits(double value) => $"{BitConverter.DoubleToUInt64Bits(value):x16}";

    private DeviceBuffer<float> Filled(long length)
    {
        DeviceBuffer<float> buffer = _device.Buffer<float>(length);
        var values = new float[length];
        Array.Fill(values, Gap);
        buffer.CopyFrom(values);
        return buffer;
    }

    private void Write(DeviceBuffer<float> memory, float[][] values)
    {
        for (int i = 0; i < values.Length; i++)
            memory.CopyFrom(values[i], _starts[i]);
    }

    private float[][] Read(DeviceBuffer<float> memory)
    {
        var tensors = new float[_shapes.Length][];
        for (int i = 0; i < tensors.Length; i++)
            memory.CopyTo(tensors[i] = new float[_shapes[i].Length], _starts[i]);
        return tensors;
    }
}
