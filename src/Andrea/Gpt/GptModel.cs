using Andrea.Tensors;

namespace Andrea.Gpt;

/// <summary>A GPT's parameters and, once it is trained, their gradients. Passes and decoders compute with it.</summary>
/// <remarks>
/// The parameters begin as zeros: call <see cref="Initialize"/> or load a checkpoint. float32 throughout.
/// <code>
/// using var model = new GptModel(device, config);
/// model.Initialize(InitializationKind.Gpt2, seed: 1);
/// using var pass = new GptPass(model, batchSize: 4, tokenCount: 64);
/// pass.ForwardBackward(inputs, targets);
/// Console.WriteLine(pass.ReadLoss()); // about ln(V)
/// </code>
/// </remarks>
public sealed class GptModel : IDisposable
{
    private ParameterArena? _gradients;
    private bool _disposed;

    /// <summary>Allocates the parameters.</summary>
    /// <param name="device">Where the model lives.</param>
    /// <param name="config">Sizes and options; checked.</param>
    /// <exception cref="ArgumentException">A size is out of range.</exception>
    public GptModel(Device device, GptConfig config)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(config);
        Device = device;
        Config = config;
        Layout = GptParameters.CreateLayout(config);
        Parameters = new ParameterArena(device, Layout);
    }

    /// <summary>Where the model lives; not owned.</summary>
    public Device Device { get; }

    /// <summary>Sizes and options.</summary>
    public GptConfig Config { get; }

    /// <summary>Names, shapes and order of the parameters: <c>wte</c>, <c>wpe</c>, <c>h.0.ln_1.weight</c>, ..., <c>lm_head.weight</c>.</summary>
    public ParameterLayout Layout { get; }

    /// <summary>The parameters; owned by this model.</summary>
    public ParameterArena Parameters { get; }

    /// <summary>The gradients, in the same layout; owned by this model, allocated when first asked for.</summary>
    /// <exception cref="ObjectDisposedException">The model has been disposed.</exception>
    public ParameterArena Gradients
    {
        get
        {
            ThrowIfDisposed();
            return _gradients ??= new ParameterArena(Device, Layout);
        }
    }

    /// <summary>(V, C) the output head's rows: a tensor of their own, or the token table where the head is tied to it.</summary>
    internal Tensor HeadWeight => Parameters[Config.TiedHead ? GptParameters.TokenTable : GptParameters.Weight(GptParameters.Head)];

    /// <summary>Draws all parameters anew.</summary>
    /// <param name="kind">The distribution.</param>
    /// <param name="seed">The same seed gives the same bits on every machine.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such distribution.</exception>
    /// <exception cref="ObjectDisposedException">The model has been disposed.</exception>
    public void Initialize(InitializationKind kind, ulong seed)
    {
        ThrowIfDisposed();
        Initialization.Fill(Parameters, Config.LayerCount, kind, seed);
    }

    /// <summary>Sets all gradients to 0, as before the first micro-batch of a step.</summary>
    /// <exception cref="ObjectDisposedException">The gradients or the device have been disposed.</exception>
    public void ZeroGradients()
    {
        Device.Backend.Fill(0, Gradients.Flat);
        GC.KeepAlive(this);
    }

    /// <summary>Frees parameters and gradients.</summary>
    public void Dispose()
    {
        _disposed = true;
        Parameters.Dispose();
        _gradients?.Dispose();
    }

    /// <exception cref="ObjectDisposedException">The model has been disposed.</exception>
    internal void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_disposed, this);
}
