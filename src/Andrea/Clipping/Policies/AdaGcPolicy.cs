using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Clipping.Policies;

/// <summary>AdaGC: each tensor's norm is kept near the running mean of its own clipped norms.</summary>
/// <remarks>
/// The first <see cref="WarmupSteps"/> steps clip the joint norm at <see cref="GradClipperOptions.MaxNorm"/>, and each tensor's gamma is the smallest of its
/// clipped norms. From then on MaxNorm is not used: h = min(1, factor gamma / |g|) for each tensor; g *= h; gamma = d gamma + (1 - d) |h g|. Both by
/// <see cref="GradClipperOptions.Formula"/>. Wang et al. 2025, arXiv:2502.11034, algorithm 1.
/// Different: a gradient of zeros, of a tensor that is away or dead, is not taken in, since gamma = 0 would keep a tensor at 0 for ever; one that first
/// gets a gradient after the warm-up is clipped like the warm-up in that step, where the authors' code leaves it unclipped. That code also adds 1e-6 to
/// norms it divides by, and has defaults of 1.04 and 0.99; ours are the paper's. One launch of one block; 8 bytes of memory a tensor.
/// </remarks>
public sealed record AdaGcPolicy : ClipPolicy
{
    internal const string Name = "adagc";

    /// <summary>The policy with its defaults.</summary>
    public AdaGcPolicy()
        : base(Name)
    {
    }

    /// <summary>A tensor's largest norm, in units of its gamma: lambda_rel.</summary>
    /// <value>1.05</value>
    public double Factor { get; init; } = 1.05;

    /// <summary>Weight of the past in gamma: d, the paper's beta.</summary>
    /// <value>0.98</value>
    public double Decay { get; init; } = 0.98;

    /// <summary>Steps in which the joint norm is clipped.</summary>
    /// <value>100</value>
    public int WarmupSteps { get; init; } = 100;

    internal override void Validate()
    {
        CheckPositive(nameof(Factor), Factor);
        CheckDecay(Decay);
        CheckWarmup(WarmupSteps);
    }

    internal override PolicyWork CreateWork(Device device, TensorSet gradients, ChunkTable table, ClipSettings settings) =>
        new Work(device, settings, new AdaGcSettings(Factor, Decay, WarmupSteps), gradients.Count);

    private sealed class Work : PolicyWork
    {
        private readonly ClipSettings _settings;
        private readonly AdaGcSettings _adaGc;
        private readonly DeviceBuffer<long> _steps;
        private readonly DeviceBuffer<double> _runningNorms;

        public Work(Device device, ClipSettings settings, AdaGcSettings adaGc, int tensorCount)
            : base(device)
        {
            (_settings, _adaGc) = (settings, adaGc);
            _steps = Owned.Add(Backend.Allocate<long>(1));
            _runningNorms = Owned.Add(Backend.Allocate<double>(tensorCount));
        }

        public override void Enqueue(DeviceBuffer<ChunkPartial> partials, ClipOutcome clip) =>
            Backend.ClipAdaGc(_settings, _adaGc, clip, _steps, _runningNorms);

        public override void ShowMemory(IBufferVisitor visitor)
        {
            visitor.Visit(_steps);
            visitor.Visit(_runningNorms);
        }

        public override ClipPolicyState Read()
        {
            Span<long> steps = stackalloc long[1];
            _steps.CopyTo(steps);
            var gammas = new double[_runningNorms.Length];
            _runningNorms.CopyTo(gammas);
            return new ClipPolicyState(Name, 1, new Dictionary<string, double[]> { ["steps"] = [steps[0]], ["gammas"] = gammas });
        }

        public override void Restore(ClipPolicyState? saved)
        {
            long steps = 0;
            var gammas = new double[_runningNorms.Length];
            if (saved is not null && saved.IsOf(Name, 1))
            {
                long savedSteps = saved.CountOf("steps");
                double[] found = saved.Of("gammas");
                // As many as there are tensors; other tensors' say nothing.
                if (found.Length == gammas.Length)
                    (steps, gammas) = (savedSteps, found);
            }
            _steps.CopyFrom([steps]);
            _runningNorms.CopyFrom(gammas);
        }
    }
}
