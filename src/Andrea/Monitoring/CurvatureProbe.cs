using Andrea.Backends;
using Andrea.Optim;
using Andrea.Tensors;

namespace Andrea.Monitoring;

/// <summary>Measures how curved the loss is along the gradient, as Adam's preconditioner sees it: what stays above 2 / learning rate is about to spike.</summary>
/// <remarks>
/// lambda_grad = g^T P H g / ||g||^2, with g the step's gradient, H the Hessian of its batch and P = (1 - b1) / ((1 + b1) (1 - b1^t)) *
/// diag(1 / (sqrt(v / (1 - b2^t)) + eps)), v with the step's own gradient in it. H g comes from one central difference of gradients,
/// (grad(p + h d) - grad(p - h d)) / (2 h) with d = g / ||g|| and h = <see cref="CurvatureOptions.RelativeStep"/> * ||p||: the error of a
/// one-sided difference would be of the order of h, where float32 leaves no room for a small h; this one's is of the order of h^2.
/// P changes along the way as v does; a gradient that grows while v decays (arXiv:2506.04805) shows as lambda_grad rising through the limit.
/// A group's own learning rate factor is not taken into account.
/// <para>Parameters and gradients are put back from copies, never by subtraction, so that training has the same bits with and without it.
/// Cost of a measurement: two forward and backward passes; 9 copies of the parameters' size between host and device; the host waits for the device.
/// Memory: four arrays of the parameters' size on the host, none on the device. Allocates nothing itself.</para>
/// <code>
/// var probe = new CurvatureProbe(model.Parameters, model.Gradients, optimizer);
/// probe.Begin(() => pass.ForwardBackward(inputs, targets)); // behind the step's own backward pass, before its update
/// optimizer.Step(learningRate);
/// CurvatureRecord record = probe.Complete(step, learningRate);
/// if (record.Announces) Console.WriteLine($"{record.Step}: a spike is near, at {record.Instability} times the limit");
/// </code>
/// Arrays of the model's own data alone, no activations: dispose of nothing. One thread at a time.
/// </remarks>
public sealed class CurvatureProbe
{
    private readonly ParameterArena _parameters, _gradients;
    private readonly AdamW _optimizer;

    // The step's parameters and gradient; the difference of gradients, and whatever else is under way.
    private readonly float[] _before, _gradient, _difference, _scratch;
    private double _norm, _distance;
    private long _appliedBefore = -1;

    /// <summary>Prepares to measure.</summary>
    /// <param name="parameters">What is trained; moved and put back by each measurement; not owned.</param>
    /// <param name="gradients">Their gradients, in the same layout; likewise.</param>
    /// <param name="optimizer">Gives v, betas and epsilon; not owned.</param>
    /// <param name="options">How far, how often, how many in a row; null for the defaults.</param>
    /// <exception cref="ArgumentException">The three do not belong together, or an option is out of range.</exception>
    public CurvatureProbe(ParameterArena parameters, ParameterArena gradients, AdamW optimizer, CurvatureOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        ArgumentNullException.ThrowIfNull(gradients);
        ArgumentNullException.ThrowIfNull(optimizer);
        Options = options ?? new CurvatureOptions();
        Options.Validate();
        if (optimizer.Gradients != gradients)
            throw new ArgumentException("The optimizer reads other gradients than these. Build the probe over the arenas that the optimizer was given.", nameof(optimizer));
        if (parameters.Flat.Length != gradients.Flat.Length || parameters.Flat.Length != optimizer.SecondMoments.Flat.Length)
            throw new ArgumentException(
                $"The parameters take {parameters.Flat.Length} elements, their gradients {gradients.Flat.Length}. Build both from the same layout.", nameof(gradients));
        _parameters = parameters;
        _gradients = gradients;
        _optimizer = optimizer;
        int length = checked((int)parameters.Flat.Length);
        (_before, _gradient, _difference, _scratch) = (new float[length], new float[length], new float[length], new float[length]);
    }

    /// <summary>The options it was made with.</summary>
    public CurvatureOptions Options { get; }

    /// <summary>Measurements in a row, up to the newest, above the limit; part of checkpoints.</summary>
    internal int AboveInARow { get; set; }

    /// <summary>Measures H g while parameters and gradients still are the step's. Waits for the device.</summary>
    /// <param name="addGradients">Adds the gradients of the step's whole batch to the arena, which is 0 when it is called; called twice, or not at
    /// all where the gradient is 0 or not finite. What it throws ends the call, with parameters and gradients put back.</param>
    /// <exception cref="ObjectDisposedException">Parameters, gradients or the optimizer have been disposed.</exception>
    public void Begin(Action addGradients)
    {
        ArgumentNullException.ThrowIfNull(addGradients);
        _gradients.Flat.CopyTo(_gradient);
        _appliedBefore = _optimizer.ReadCounter().Step;
        _norm = Norm(_gradient);
        if (!(_norm > 0 && double.IsFinite(_norm)))
            return;
        _parameters.Flat.CopyTo(_before);
        _distance = Options.RelativeStep * Norm(_before);
        try
        {
            GradientsAt(_distance, addGradients, _difference);
            GradientsAt(-_distance, addGradients, _scratch);
        }
        finally
        {
            _parameters.Flat.CopyFrom(_before);
            _gradients.Flat.CopyFrom(_gradient);
        }
        for (int i = 0; i < _difference.Length; i++)
            _difference[i] -= _scratch[i];
    }

    /// <summary>Completes the measurement when the step's update has been made. Waits for the device.</summary>
    /// <param name="step">The step's number.</param>
    /// <param name="learningRate">The rate it was made with.</param>
    /// <returns>The curvature, NaN where the step was skipped or its gradient was 0 or not finite, and whether a spike is to be expected.</returns>
    /// <exception cref="InvalidOperationException">No measurement was begun.</exception>
    /// <exception cref="ObjectDisposedException">The optimizer has been disposed.</exception>
    public CurvatureRecord Complete(long step, double learningRate)
    {
        if (_appliedBefore < 0)
            throw new InvalidOperationException("No measurement is under way. Call Begin before the optimizer's step, and Complete after it.");
        AdamWState progress = _optimizer.ReadCounter();
        bool applied = progress.Step > _appliedBefore;
        _appliedBefore = -1;
        double curvature = double.NaN;
        if (applied && _norm > 0 && double.IsFinite(_norm) && _distance > 0)
        {
            _optimizer.SecondMoments.Flat.CopyTo(_scratch);
            AdamWOptions adam = _optimizer.Options;
            curvature = PreconditionedCurvature.Along(
                _gradient, _difference, 2 * _distance, _scratch, adam.Beta1, progress.Beta1Power, progress.Beta2Power, adam.Epsilon);
        }
        double limit = 2 / learningRate;
        // A step that was skipped says nothing; it neither continues nor ends a row.
        if (!double.IsNaN(curvature))
            AboveInARow = curvature > limit ? AboveInARow + 1 : 0;
        bool announces = curvature > limit && AboveInARow == Options.Sustained;
        return new CurvatureRecord(step, curvature, limit, AboveInARow, announces);
    }

    private void GradientsAt(double distance, Action addGradients, float[] into)
    {
        double factor = distance / _norm;
        for (int i = 0; i < _scratch.Length; i++)
            _scratch[i] = (float)(_before[i] + factor * _gradient[i]);
        _parameters.Flat.CopyFrom(_scratch);
        _parameters.Device.Backend.Fill(0, _gradients.Flat);
        addGradients();
        _gradients.Flat.CopyTo(into);
    }

    private static double Norm(float[] values)
    {
        double sum = 0;
        foreach (float value in values)
            sum += (double)value * value;
        return Math.Sqrt(sum);
    }
}
