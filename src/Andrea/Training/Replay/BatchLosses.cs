using Andrea.Clipping;
using Andrea.Gpt;
using Andrea.Monitoring.Diagnosis;

namespace Andrea.Training.Replay;

/// <summary>The parameters before a step, and what they make of batches, sequence by sequence.</summary>
internal sealed class BatchLosses : IDisposable
{
    // So many batches after the step's stand for what is usual.
    private const int Others = 4;

    private readonly Device _device;
    private readonly Trainer _trainer;
    private readonly GptModel _before;

    /// <summary>Copies the parameters as they are now.</summary>
    public BatchLosses(Device device, Trainer trainer)
    {
        (_device, _trainer) = (device, trainer);
        _before = new GptModel(device, trainer.Model.Config);
        _before.Parameters.Take(trainer.Model.Parameters);
    }

    /// <summary>The mean loss of each sequence of a batch, over all micro-batches.</summary>
    public double[] RowsOf(in BatchDraw draw)
    {
        int rows = _trainer.Options.BatchSize, tokens = _trainer.TokenCount;
        var losses = new double[rows * _trainer.Options.MicroBatches];
        var (inputs, targets) = (new int[rows * tokens], new int[rows * tokens]);
        using var pass = new GptPass(_before, 1, tokens);
        for (int i = 0; i < losses.Length; i++)
        {
            if (i % rows == 0)
                _trainer.Fill(draw, i / rows, inputs, targets);
            int start = i % rows * tokens;
            pass.ResetLoss();
            pass.Evaluate(inputs.AsSpan(start, tokens), targets.AsSpan(start, tokens));
            losses[i] = pass.ReadLoss();
        }
        return losses;
    }

    /// <summary>The losses of the sequences that come after a batch in its source.</summary>
    public double[] RowsAfter(BatchDraw draw) =>
        [.. After(draw).SelectMany(other => RowsOf(other))];

    /// <summary>The norms of the gradients of the batches that come after a batch in its source.</summary>
    public double[] NormsAfter(BatchDraw draw)
    {
        using var model = new GptModel(_device, _before.Config);
        model.Parameters.Take(_before.Parameters);
        return [.. After(draw).Select(other => Measure(_device, model, other).Norm)];
    }

    /// <summary>The sequences of a batch with the highest losses, and how far each stands above others.</summary>
    public List<ReplayRow> Worst(in BatchDraw draw, double[] losses, double[] others, int count)
    {
        var window = new RobustWindow(others.Length);
        foreach (double other in others)
            window.Add(other);
        BatchDraw of = draw;
        double Score(int row) => window.Count == 0 ? double.NaN : window.ZScore(losses[row], new GradientDiagnosisOptions().SpikeSmallestShare);
        return [.. Enumerable.Range(0, losses.Length)
            .OrderByDescending(row => double.IsFinite(losses[row]) ? losses[row] : double.PositiveInfinity)
            .Take(count)
            .Select(row => new ReplayRow(row, losses[row], Score(row), TextOf(of, row)))];
    }

    /// <summary>Loss and norm of the step's batch under the same parameters on the reference device. Slow.</summary>
    public (double Loss, double Norm) OnReference(in BatchDraw draw)
    {
        using Device reference = Device.Reference();
        using var model = new GptModel(reference, _before.Config);
        model.Parameters.Flat.CopyFrom(_before.Parameters.Flat.ToArray());
        return Measure(reference, model, draw);
    }

    private static IEnumerable<BatchDraw> After(BatchDraw draw) =>
        Enumerable.Range(1, Others).Select(i => draw with { FirstWindow = draw.FirstWindow + (long)i * draw.WindowCount });

    /// <summary>Loss and norm of a batch, as the trainer's step computes them.</summary>
    private (double Loss, double Norm) Measure(Device device, GptModel model, in BatchDraw draw)
    {
        int rows = _trainer.Options.BatchSize, tokens = _trainer.TokenCount;
        var (inputs, targets) = (new int[rows * tokens], new int[rows * tokens]);
        using var pass = new GptPass(model, rows, tokens) { ZeroSumGradient = _trainer.Options.ZeroSumGradient };
        using var clipper = new GradClipper(device, model.Gradients, new GradClipperOptions { MaxNorm = double.PositiveInfinity });
        pass.ResetLoss();
        model.ZeroGradients();
        for (int i = 0; i < _trainer.Options.MicroBatches; i++)
        {
            _trainer.Fill(draw, i, inputs, targets);
            pass.ForwardBackward(inputs, targets, _trainer.Options.MicroBatches);
        }
        clipper.Measure();
        return (pass.ReadLoss(), clipper.Read().NormBefore);
    }

    public void Dispose() => _before.Dispose();

    private string TextOf(in BatchDraw draw, int row)
    {
        int rows = _trainer.Options.BatchSize, tokens = _trainer.TokenCount;
        var (inputs, targets) = (new int[rows * tokens], new int[rows * tokens]);
        _trainer.Fill(draw, row / rows, inputs, targets);
        int start = row % rows * tokens;
        return _trainer.Tokenizer.Decode([.. inputs.AsSpan(start, tokens), targets[start + tokens - 1]]);
    }
}
