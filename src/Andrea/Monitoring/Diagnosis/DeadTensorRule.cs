namespace Andrea.Monitoring.Diagnosis;

/// <summary>Tensors whose gradient is exactly 0, step after step: nothing of the loss reaches them.</summary>
internal sealed class DeadTensorRule(GradientDiagnosisOptions options) : DiagnosisRule
{
    private IReadOnlyList<MonitoredTensor>? _tensors;
    private Episode[] _episodes = [];

    public override Verdict? OnGradients(GradientRecord record, RunHistory history)
    {
        if (!ReferenceEquals(_tensors, record.Tensors))
        {
            _tensors = record.Tensors;
            _episodes = [.. _tensors.Select(_ => new Episode(options.DeadAfter, options.EndAfter))];
        }
        List<string>? dead = null;
        long since = record.Step;
        for (int i = 0; i < _episodes.Length; i++)
            if (_episodes[i].Begins(record.Readings[i].Norm == 0, record.Step))
            {
                (dead ??= []).Add(record.Tensors[i].Name);
                since = Math.Min(since, _episodes[i].Since);
            }
        if (dead is null)
            return null;
        int alive = _episodes.Count(episode => !episode.Active);
        return new Verdict
        {
            Kind = VerdictKind.DeadTensor,
            Step = record.Step,
            Since = since,
            Summary = alive == 0
                ? Sentence($"Every gradient has been exactly 0 since step {since}, {options.DeadAfter} monitored steps: the model does not learn.")
                : Sentence($"The gradient of {Names(dead)} has been exactly 0 since step {since}, {options.DeadAfter} monitored steps, while {alive} of {record.Tensors.Count} tensors have one."),
            Remedy = alive == 0
                ? since == 1
                    ? "Call GptModel.Initialize, or choose an Initialization other than zeros."
                    : Sentence($"The outputs have saturated: go back to a checkpoint before step {since}, with a lower LearningRate (--lr) and more WarmupSteps (--warmup).")
                : "Where ReLU has died, choose GptConfig.Activation = Gelu, a lower LearningRate (--lr) and more WarmupSteps (--warmup); where weights behind it are 0, another Initialization.",
            Tensors = dead,
        };
    }
}
