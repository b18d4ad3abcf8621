using Andrea.Monitoring;
using Andrea.Optim;
using Andrea.Tensors;
using Andrea.Training.Checkpoints;

namespace Andrea.Training;

public sealed partial class Trainer
{
    private CurvatureProbe? _probe;

    // The tokens of all micro-batches of the step, in the order they were trained on, to be gone through again.
    private int[] _probeInputs = [], _probeTargets = [];
    private Action? _addGradients;

    // (1) The step's own loss while the probe's passes add theirs: the spike guard reads it behind them.
    private DeviceBuffer<double>? _ownLoss;

    private AbsorptionMonitor? _absorption;

    private bool ProbesAt(long step) => _probe is not null && step % Options.Curvature!.Every == 0;

    private bool LooksAtLogitsIn(long step) => _absorption is not null && step % Options.AbsorptionEvery == 0;

    private void PrepareMeasurements()
    {
        _pass.ZeroSumGradient = Options.ZeroSumGradient;
        if (Options.AbsorptionEvery > 0)
            _absorption = _owned.Add(new AbsorptionMonitor(Model, _pass));
        if (Options.Curvature is not { } options)
            return;
        if (_optimizer is not AdamW adamW)
            throw new ArgumentException(
                $"The curvature is that of AdamW's preconditioner, and the optimizer is {_optimizer.GetType().Name}. Leave {nameof(TrainerOptions.Curvature)} null, or train with AdamWOptions.");
        _probe = new CurvatureProbe(Model.Parameters, Model.Gradients, adamW, options);
        _probeInputs = new int[(long)_inputs.Length * Options.MicroBatches];
        _probeTargets = new int[_probeInputs.Length];
        _addGradients = AddGradients;
        _ownLoss = _owned.Add(Model.Device.Backend.Allocate<double>(1));
    }

    /// <summary>Before a micro-batch of the step that is about to be made. Of logits, the first micro-batch's are looked at.</summary>
    private void BeforePass(int microBatch)
    {
        if (microBatch == 0 && LooksAtLogitsIn(Step + 1))
            _absorption!.MeasureNext();
        if (!ProbesAt(Step + 1))
            return;
        _inputs.CopyTo(_probeInputs, microBatch * _inputs.Length);
        _targets.CopyTo(_probeTargets, microBatch * _inputs.Length);
    }

    /// <summary>Behind the step's backward pass, whose loss has been posted by now, and before its update.</summary>
    private void BeforeUpdate()
    {
        if (!ProbesAt(Step))
            return;
        Model.Device.Backend.Copy(_pass.LossOnDevice, _ownLoss!);
        _probe!.Begin(_addGradients!);
        Model.Device.Backend.Copy(_ownLoss!, _pass.LossOnDevice);
    }

    /// <summary>Behind the update; the device is waited for, so the step's own record can go first.</summary>
    private void AfterUpdate(double learningRate)
    {
        if (LooksAtLogitsIn(Step))
        {
            AbsorptionRecord found = _absorption!.Read(Step, Options.MicroBatches);
            TakeAll();
            foreach (IStepObserver observer in _observers)
                observer.OnAbsorption(found);
        }
        if (!ProbesAt(Step))
            return;
        CurvatureRecord record = _probe!.Complete(Step, learningRate);
        TakeAll();
        foreach (IStepObserver observer in _observers)
            observer.OnCurvature(record);
    }

    private MonitorProgress SaveMonitors() => new(_probe?.AboveInARow ?? 0, _absorption?.FirstMean);

    private void RestoreMonitors(MonitorProgress? saved)
    {
        if (_probe is not null)
            _probe.AboveInARow = saved?.CurvaturesAbove ?? 0;
        if (_absorption is not null)
            _absorption.FirstMean = saved?.FirstHeadMean;
    }

    private void AddGradients()
    {
        for (int start = 0; start < _probeInputs.Length; start += _inputs.Length)
            _pass.ForwardBackward(
                _probeInputs.AsSpan(start, _inputs.Length), _probeTargets.AsSpan(start, _inputs.Length), Options.MicroBatches);
    }
}
