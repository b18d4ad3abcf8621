using Andrea.Backends;
using Andrea.Gpt;
using Andrea.Monitoring;
using Andrea.Tensors;

namespace Andrea.Training;

/// <summary>Looks, in steps that you choose, at how many tokens a model is so sure of that float32 loses their gradient, and whether the head drifts.</summary>
/// <remarks>
/// A token is absorbed when its target's logit stands more than (p - 1) ln 2 = 15.94 above every other: its share is then 1 in float32 and its own
/// gradient 0, while those of the others are not, and the head's rows drift together (arXiv:2605.06152). <see cref="GptPass.ZeroSumGradient"/> is the cure.
/// Cost of a measurement: two kernels that read the batch's logits once each, one product of 1 row with the head, 12 bytes a token and one
/// row to the host, which waits for the device. Other passes are as they were. Training has the same bits with and without it.
/// <code>
/// using var monitor = new AbsorptionMonitor(model, pass);
/// monitor.MeasureNext();
/// pass.ForwardBackward(inputs, targets);
/// Console.WriteLine(monitor.Read(step).AbsorbedShare);
/// </code>
/// </remarks>
public sealed class AbsorptionMonitor : IDisposable
{
    private readonly GptPass _pass;
    private readonly IBackend _backend;
    private readonly Tensor _head, _weights, _mean;
    private readonly DeviceBuffer<float> _margins;
    private readonly DeviceBuffer<double> _sums;
    private readonly OwnedMemory _owned = new();
    private readonly float[] _marginsRead, _meanRead;
    private readonly double[] _sumsRead;
    private float[]? _firstMean;
    private bool _disposed;

    /// <summary>Prepares to look at a model's training.</summary>
    /// <param name="model">The model; not owned.</param>
    /// <param name="pass">Its training pass; not owned.</param>
    /// <exception cref="ObjectDisposedException">The model's device has been disposed.</exception>
    public AbsorptionMonitor(GptModel model, GptPass pass)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(pass);
        _pass = pass;
        _backend = model.Device.Backend;
        _head = model.HeadWeight;
        int vocabulary = model.Config.VocabularySize, channels = model.Config.ChannelCount;
        (_marginsRead, _sumsRead, _meanRead) = (new float[pass.Rows], new double[pass.Rows], new float[channels]);
        try
        {
            _margins = _owned.Add(_backend.Allocate<float>(pass.Rows));
            _sums = _owned.Add(_backend.Allocate<double>(pass.Rows));
            _weights = new Tensor(_owned.Add(_backend.Allocate<float>(vocabulary)), 0, new TensorShape(1, vocabulary));
            _mean = new Tensor(_owned.Add(_backend.Allocate<float>(channels)), 0, new TensorShape(1, channels));
            _backend.Fill(1f / vocabulary, _weights);
        }
        catch
        {
            _owned.Dispose();
            throw;
        }
    }

    /// <summary>The head's mean row when it was first looked at, from which the drift counts; null before. Part of checkpoints; one of another size is
    /// left out.</summary>
    internal float[]? FirstMean
    {
        get => _firstMean;
        set => _firstMean = value?.Length == _meanRead.Length ? value : _firstMean;
    }

    /// <summary>Has the pass's next <see cref="GptPass.ForwardBackward"/> measured.</summary>
    public void MeasureNext()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _pass.MeasureNext(_margins, _sums);
    }

    /// <summary>What that found, and where the head's mean row is now. Waits for the device.</summary>
    /// <param name="step">The step's number, for the record.</param>
    /// <param name="microBatches">As the pass was told.</param>
    /// <returns>Shares, sums and drift of that step.</returns>
    /// <exception cref="ObjectDisposedException">This monitor, the model or the device has been disposed.</exception>
    public AbsorptionRecord Read(long step, int microBatches = 1)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _margins.CopyTo(_marginsRead);
        _sums.CopyTo(_sumsRead);
        // A product with one row of 1 / V: the mean over the vocabulary.
        _backend.LinearBackwardInput(_weights, _head, 1, (int)_mean.Length, (int)_weights.Length, _mean);
        _mean.CopyTo(_meanRead);
        GC.KeepAlive(this);
        _firstMean ??= [.. _meanRead];
        int absorbed = 0;
        double error = 0, squares = 0, drift = 0;
        for (int row = 0; row < _marginsRead.Length; row++)
        {
            absorbed += _marginsRead[row] > AbsorptionRecord.Margin ? 1 : 0;
            error += Math.Abs(_sumsRead[row]);
        }
        for (int i = 0; i < _meanRead.Length; i++)
        {
            squares += (double)_meanRead[i] * _meanRead[i];
            drift += ((double)_meanRead[i] - _firstMean[i]) * ((double)_meanRead[i] - _firstMean[i]);
        }
        // The mean over rows, each in units of its gradients' common factor 1 / (rows * micro-batches).
        return new AbsorptionRecord(step, (double)absorbed / _marginsRead.Length, error * microBatches, Math.Sqrt(squares), Math.Sqrt(drift));
    }

    /// <summary>Frees what it measures into; model and pass are not touched.</summary>
    public void Dispose()
    {
        _disposed = true;
        _owned.Dispose();
    }
}
