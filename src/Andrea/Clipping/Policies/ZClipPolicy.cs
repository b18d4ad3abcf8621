using Andrea.Backends;
using Andrea.Tensors;

namespace Andrea.Clipping.Policies;

/// <summary>ZClip: a joint norm that is unusual for the run is brought back to near its running mean, the more unusual the nearer.</summary>
/// <remarks>
/// With mean mu and deviation sigma of the norms so far: z = (norm - mu) / (sigma + epsilon); z above the threshold z0: limit = mu + z0 sigma / (z / z0), else none.
/// The norm is clipped to the smaller of the limit and <see cref="GradClipperOptions.MaxNorm"/>, by <see cref="GradClipperOptions.Formula"/>. Then, with x = the limit,
/// or the norm where there was none: mu = d mu + (1 - d) x; variance = d variance + (1 - d) (x - mu)^2, with the new mu. The first
/// <see cref="WarmupSteps"/> norms are clipped by MaxNorm alone; mean and variance of them, unclipped, are what begins.
/// Kumar et al. 2025, arXiv:2504.02507, in the variant that the authors recommend, and as their code has it. Different: no 1e-6 below the norm unless
/// <see cref="ClipFormula.Torch"/> asks for it; norms that are not finite are not taken in, where the authors' mean would be NaN for ever, and neither are
/// norms of 0, of gradients that are away or dead, since a mean of 0 would keep all at 0 for ever; where the mean is 0, or sigma not above 1e-12 mu, as after
/// norms that were all the same but for rounding, the warm-up begins anew. The reach of z is absolute where norms scatter by less than epsilon. One launch of one block; 24 bytes of memory, and 8 for each step of the warm-up.
/// </remarks>
public sealed record ZClipPolicy : ClipPolicy
{
    internal const string Name = "zclip";

    /// <summary>The policy with its defaults.</summary>
    public ZClipPolicy()
        : base(Name)
    {
    }

    /// <summary>How many deviations above the mean a norm is unusual: z0.</summary>
    /// <value>2.5</value>
    public double Threshold { get; init; } = 2.5;

    /// <summary>Weight of the past in mean and variance: d.</summary>
    /// <value>0.97</value>
    public double Decay { get; init; } = 0.97;

    /// <summary>Steps whose norms mean and variance begin with; 2 or more, since one norm has no variance.</summary>
    /// <value>25</value>
    public int WarmupSteps { get; init; } = 25;

    /// <summary>Added to the deviation, so that norms that are almost alike can be divided by it.</summary>
    /// <value>1e-6</value>
    public double Epsilon { get; init; } = 1e-6;

    internal override void Validate()
    {
        CheckPositive(nameof(Threshold), Threshold);
        CheckPositive(nameof(Epsilon), Epsilon);
        CheckDecay(Decay);
        CheckWarmup(WarmupSteps, least: 2);
    }

    internal override PolicyWork CreateWork(Device device, TensorSet gradients, ChunkTable table, ClipSettings settings) =>
        new Work(device, settings, new ZClipSettings(Threshold, Decay, Epsilon, WarmupSteps));

    private sealed class Work : PolicyWork
    {
        private readonly ClipSettings _settings;
        private readonly ZClipSettings _zClip;
        private readonly DeviceBuffer<ZClipState> _state;
        private readonly DeviceBuffer<double> _warmup;

        public Work(Device device, ClipSettings settings, ZClipSettings zClip)
            : base(device)
        {
            (_settings, _zClip) = (settings, zClip);
            _state = Owned.Add(Backend.Allocate<ZClipState>(1));
            _warmup = Owned.Add(Backend.Allocate<double>(zClip.WarmupSteps));
        }

        public override void Enqueue(DeviceBuffer<ChunkPartial> partials, ClipOutcome clip) =>
            Backend.ClipZScore(_settings, _zClip, clip, _state, _warmup);

        public override void ShowMemory(IBufferVisitor visitor)
        {
            visitor.Visit(_state);
            visitor.Visit(_warmup);
        }

        public override ClipPolicyState Read()
        {
            Span<ZClipState> state = stackalloc ZClipState[1];
            _state.CopyTo(state);
            var warmup = new double[Math.Min(state[0].Count, _zClip.WarmupSteps)];
            _warmup.CopyTo(warmup);
            return new ClipPolicyState(Name, 1, new Dictionary<string, double[]>
            {
                ["count"] = [state[0].Count],
                ["mean"] = [state[0].Mean],
                ["variance"] = [state[0].Variance],
                ["warmup"] = warmup,
            });
        }

        public override void Restore(ClipPolicyState? saved)
        {
            var state = default(ZClipState);
            var warmup = new double[_zClip.WarmupSteps];
            if (saved is not null && saved.IsOf(Name, 1))
            {
                var found = new ZClipState { Count = saved.CountOf("count"), Mean = saved.Of("mean", 1)[0], Variance = saved.Of("variance", 1)[0] };
                double[] norms = saved.Of("warmup");
                // A warm-up that is over makes other numbers than one of another length; one that is not may still get another length.
                if (norms.Length == Math.Min(found.Count, warmup.Length))
                {
                    state = found;
                    norms.CopyTo(warmup, 0);
                }
            }
            _state.CopyFrom([state]);
            _warmup.CopyFrom(warmup);
        }
    }
}
