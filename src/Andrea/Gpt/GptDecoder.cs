using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Gpt;

/// <summary>Runs a model one token at a time over a key/value cache, so that each new token costs one position, not the whole text.</summary>
/// <remarks>Memory: 2 L T C floats for the cache. When the context is full, it goes on from the last half of it (see <see cref="Accept"/>).</remarks>
public sealed class GptDecoder : IDisposable
{
    private readonly GptConfig _config;
    private readonly IBackend _backend;
    private readonly GptTensors _parameters;
    private readonly OwnedMemory _owned = new();
    private readonly ActivationArena _arena;
    private readonly Tensor[] _keys, _values;
    private readonly Tensor _residual, _normed, _mean, _inverseScale, _qkv, _attention, _hidden, _logits;
    private readonly DeviceBuffer<int> _token;
    private readonly int[] _history;
    private readonly float[] _hostLogits;
    private readonly GptModel _model;
    private bool _disposed;

    /// <summary>Allocates the cache.</summary>
    /// <param name="model">The model; not owned; its parameters are read at every token.</param>
    /// <exception cref="ObjectDisposedException">The model's device has been disposed.</exception>
    /// <exception cref="OutOfMemoryException">The host has not that much memory.</exception>
    /// <exception cref="Cuda.CudaException">The GPU has not that much memory, or has failed.</exception>
    public GptDecoder(GptModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        _model = model;
        _config = model.Config;
        _backend = model.Device.Backend;
        _parameters = new GptTensors(model.Parameters, _config);
        _keys = new Tensor[_config.LayerCount];
        _values = new Tensor[_config.LayerCount];
        try
        {
            _arena = _owned.Add(new ActivationArena(model.Device));
            int channels = _config.ChannelCount;
            for (int layer = 0; layer < _config.LayerCount; layer++)
            {
                _keys[layer] = _arena.Take(_config.HeadCount, _config.ContextLength, _config.HeadSize);
                _values[layer] = _arena.Take(_config.HeadCount, _config.ContextLength, _config.HeadSize);
            }
            (_residual, _normed, _attention) = (_arena.Take(channels), _arena.Take(channels), _arena.Take(channels));
            (_mean, _inverseScale) = (_arena.Take(1), _arena.Take(1));
            (_qkv, _hidden, _logits) = (_arena.Take(3 * channels), _arena.Take(_config.HiddenCount), _arena.Take(_config.VocabularySize));
            _token = _owned.Add(_backend.Allocate<int>(1));
        }
        catch
        {
            _owned.Dispose();
            throw;
        }
        _history = new int[_config.ContextLength];
        _hostLogits = new float[_config.VocabularySize];
    }

    /// <summary>Most tokens that the cache can hold.</summary>
    public int ContextLength => _config.ContextLength;

    /// <summary>Number of tokens in the cache.</summary>
    public int Position { get; private set; }

    /// <summary>Forgets everything.</summary>
    public void Reset() => Position = 0;

    /// <summary>Appends a token and computes the logits of what follows it. Waits for the device.</summary>
    /// <param name="token">The token, in [0, V).</param>
    /// <returns>(V) logits; valid until the next call.</returns>
    /// <remarks>With a full context, the last T / 2 tokens are read anew from position 0, since positions are learned and absolute.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">The token is outside the vocabulary.</exception>
    /// <exception cref="ObjectDisposedException">The model or this decoder has been disposed.</exception>
    public ReadOnlySpan<float> Accept(int token)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _model.ThrowIfDisposed();
        if ((uint)token >= (uint)_config.VocabularySize)
            throw new ArgumentOutOfRangeException(nameof(token), token, $"Token {token} is outside this model's vocabulary of {_config.VocabularySize}.");
        if (Position == _config.ContextLength)
        {
            int kept = _config.ContextLength / 2;
            int first = _config.ContextLength - kept;
            Position = 0;
            for (int i = 0; i < kept; i++)
                Append(_history[first + i]);
        }
        Append(token);
        Norm(_parameters.FinalNorm);
        Linear(_parameters.Head, _normed, Tensor.None, _logits);
        _logits.CopyTo(_hostLogits);
        // Kernels hold addresses, not objects: what owns the memory must outlive them.
        GC.KeepAlive(this);
        return _hostLogits;
    }

    /// <summary>Frees the cache; the model is not touched.</summary>
    public void Dispose()
    {
        _disposed = true;
        _owned.Dispose();
    }

    private void Append(int token)
    {
        _history[Position] = token;
        _backend.Store(token, _token);
        _backend.EmbeddingForward(
            _token, _parameters.TokenTable, _parameters.PositionTable, Position, batch: 1, tokenCount: 1, _config.ChannelCount, _residual);
        for (int layer = 0; layer < _config.LayerCount; layer++)
        {
            GptBlock p = _parameters.Blocks[layer];
            Norm(p.Norm1);
            Linear(p.Qkv, _normed, Tensor.None, _qkv);
            _backend.AttentionDecode(_qkv, Position, _config.HeadCount, _config.HeadSize, _keys[layer], _values[layer], _attention);
            Linear(p.AttentionProjection, _attention, residual: _residual, _residual);
            Norm(p.Norm2);
            _backend.LinearActivationForward(
                _config.Activation, _normed, p.Hidden.Weight, p.Hidden.Bias, rows: 1, p.Hidden.InputSize, p.Hidden.OutputSize, _hidden, _hidden);
            Linear(p.MlpProjection, _hidden, residual: _residual, _residual);
        }
        Position++;
    }

    private void Norm(NormTensors p) =>
        _backend.NormForward(
            _config.Norm, _residual, p.Weight, p.Bias, _config.NormEpsilon, rows: 1, _config.ChannelCount, _normed, _mean, _inverseScale);

    private void Linear(LinearTensors p, Tensor input, Tensor residual, Tensor output) =>
        _backend.LinearForward(input, p.Weight, p.Bias, residual, rows: 1, p.InputSize, p.OutputSize, output);
}
