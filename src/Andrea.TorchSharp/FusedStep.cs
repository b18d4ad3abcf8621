using Andrea.Clipping;
using Andrea.Optim;
using Andrea.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using TorchAdamW = TorchSharp.Modules.AdamW;

namespace Andrea.TorchSharp;

/// <summary>The parameters, gradients and states of a TorchSharp AdamW, handed to Andrea's by address.</summary>
internal sealed class FusedStep : IDisposable
{
    private readonly Entry[] _entries;
    private readonly ParameterList _list;
    private readonly ExternalTensors _parameters = new(), _firstMoments = new(), _secondMoments = new();
    private readonly Device _device;
    private readonly ExternalAdamW _optimizer;

    // The step numbers that the states hold, unless somebody has loaded others since.
    private readonly long[] _written;

    /// <summary>One parameter of the optimizer.</summary>
    public readonly record struct Entry(string Name, Parameter Parameter, TorchAdamW.State State, TorchAdamW.Options Options);

    /// <exception cref="ArgumentException">A parameter is given twice, or there is none.</exception>
    /// <exception cref="NotSupportedException">A tensor is of a kind that Andrea does not work on.</exception>
    public FusedStep(IEnumerable<Entry> entries, GradClipperOptions? clip)
    {
        _entries = [.. entries];
        _list = new ParameterList(_entries.Select(entry => (entry.Name, entry.Parameter)), clip, hasOptimizer: true);
        _written = new long[_entries.Length];
        foreach (Entry entry in _entries)
        {
            var shape = new TensorShape(entry.Parameter.numel());
            _parameters.AddAbsent(entry.Name, shape);
            _firstMoments.AddAbsent(entry.Name, shape);
            _secondMoments.AddAbsent(entry.Name, shape);
        }
        FollowState();
        _device = _list.Place.Open();
        try
        {
            Clipper = clip is null ? null : new GradClipper(_device, _list.Gradients, clip);
            _optimizer = new ExternalAdamW(_device, _parameters, _list.Gradients, _firstMoments, _secondMoments, Clipper);
            Configure();
        }
        catch
        {
            _optimizer?.Dispose();
            Clipper?.Dispose();
            _device.Dispose();
            throw;
        }
    }

    public GradClipper? Clipper { get; }

    /// <summary>Looks where everything lies by now and what its options are, then clips and updates.</summary>
    public void Step()
    {
        _list.Follow();
        FollowState();
        Configure();
        TakeLoadedSteps();
        _optimizer.Step();
        GC.KeepAlive(this);
    }

    /// <summary>Looks whether all parameters are still there.</summary>
    /// <exception cref="InvalidOperationException">One has been disposed.</exception>
    public void CheckParameters() => _list.CheckAlive();

    /// <exception cref="NotSupportedException">The options ask for what Andrea's AdamW does not have.</exception>
    public static void Refuse(TorchAdamW.Options options)
    {
        if (options.amsgrad == true || options.maximize == true)
            throw new NotSupportedException("The options of a parameter group ask for amsgrad or maximize, which Andrea's AdamW does not have. Leave it to TorchSharp's own AdamW.");
    }

    /// <summary>Puts the step numbers into the states, where TorchSharp looks for them. Waits for the device.</summary>
    public void WriteSteps()
    {
        var steps = new long[_entries.Length];
        _optimizer.ReadSteps(steps);
        for (int i = 0; i < steps.Length; i++)
            // What was loaded and has not been taken yet stays; the next step looks at it.
            if (_entries[i].State.step == _written[i])
                _entries[i].State.step = _written[i] = steps[i];
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        Clipper?.Dispose();
        _list.Dispose();
        _device.Dispose();
    }

    /// <summary>Other numbers in the states than were put there come from load_state_dict.</summary>
    private void TakeLoadedSteps()
    {
        bool loaded = false;
        for (int i = 0; i < _entries.Length; i++)
            loaded |= _entries[i].State.step != _written[i];
        if (!loaded)
            return;
        long[] steps = Array.ConvertAll(_entries, entry => entry.State.step);
        // Refuses impossible ones, now and at every further try.
        _optimizer.RestoreSteps(steps);
        steps.CopyTo(_written, 0);
    }

    /// <summary>Options may come from anywhere: a scheduler, load_state_dict, somebody's hand.</summary>
    private void Configure()
    {
        for (int i = 0; i < _entries.Length; i++)
        {
            TorchAdamW.Options options = _entries[i].Options;
            Refuse(options);
            _optimizer.Configure(i, new AdamWTensorOptions(
                options.LearningRate!.Value, options.weight_decay!.Value, options.beta1!.Value, options.beta2!.Value, options.eps!.Value));
        }
    }

    private void FollowState()
    {
        for (int i = 0; i < _entries.Length; i++)
        {
            Follow(_parameters, i, _entries[i].Parameter, "Parameter");
            Follow(_firstMoments, i, _entries[i].State.exp_avg, "The first moment of");
            Follow(_secondMoments, i, _entries[i].State.exp_avg_sq, "The second moment of");
        }
    }

    /// <remarks>Checks every time: another tensor, shorter or of another type, may lie at an address that is known.</remarks>
    private void Follow(ExternalTensors set, int index, torch.Tensor tensor, string kind)
    {
        TorchMemory.Check(tensor, kind, set.NameOf(index), _list.Place, set.ShapeOf(index).Length);
        set.Move(index, TorchMemory.AddressOf(tensor));
    }
}
