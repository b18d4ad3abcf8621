using Andrea.Clipping;
using Andrea.Gpt;
using Andrea.Optim;

namespace Andrea.Training;

/// <summary>A model size with the training options that suit it.</summary>
/// <param name="Name">As given on the command line.</param>
/// <param name="Summary">What it is for.</param>
/// <param name="Config">The model; its vocabulary is replaced by the tokenizer's when text is trained on.</param>
/// <param name="Options">Training options.</param>
public sealed record Preset(string Name, string Summary, GptConfig Config, TrainerOptions Options)
{
    private static readonly TrainerOptions AndreaTraining = new()
    {
        Steps = 200_000,
        BatchSize = 8,
        LearningRate = 3e-4,
        WarmupSteps = 2_000,
        Initialization = InitializationKind.Andrea,
        Clip = new GradClipperOptions { MaxNorm = 1 },
        Optimizer = new AdamWOptions { Beta1 = 0.9, Beta2 = 0.999, WeightDecay = 0.1 },
        EvaluateEvery = 1_000,
        CheckpointEvery = 1_000,
    };

    /// <summary>The smallest useful model: seconds on a laptop.</summary>
    public static Preset Tiny { get; } = new(
        "tiny",
        "2 layers, 64 wide, context 64: a minute on a laptop",
        new GptConfig { VocabularySize = 257, ContextLength = 64, ChannelCount = 64, HeadCount = 2, LayerCount = 2, TiedHead = true },
        new TrainerOptions { Steps = 1_000, BatchSize = 16, LearningRate = 3e-3, FinalLearningRate = 3e-4, WarmupSteps = 50, Optimizer = CharsOptimizer });

    /// <summary>nanoGPT's configuration for characters on a CPU.</summary>
    public static Preset Chars { get; } = new(
        "chars",
        "4 layers, 128 wide, context 64: nanoGPT's CPU configuration for characters",
        new GptConfig { VocabularySize = 65, ContextLength = 64, ChannelCount = 128, HeadCount = 4, LayerCount = 4, TiedHead = true },
        new TrainerOptions { Steps = 2_000, BatchSize = 12, LearningRate = 1e-3, FinalLearningRate = 1e-4, WarmupSteps = 100, Optimizer = CharsOptimizer });

    /// <summary>ANDREA's 12M model: 12,780,288 matrix weights.</summary>
    public static Preset Andrea12M { get; } = AndreaPreset("andrea12m", "6 layers, 384 wide, context 1024", 2305, 384, 12, 6);

    /// <summary>ANDREA's 120M model: 98,698,752 matrix weights.</summary>
    public static Preset Andrea120M { get; } = AndreaPreset("andrea120m", "12 layers, 768 wide, context 1024", 8449, 768, 12, 12);

    /// <summary>ANDREA's 480M model.</summary>
    public static Preset Andrea480M { get; } = AndreaPreset("andrea480m", "16 layers, 1536 wide, context 1024", 16641, 1536, 24, 16);

    /// <summary>GPT-2's 124M model (Radford et al. 2019).</summary>
    public static Preset Gpt2Small { get; } = new(
        "gpt2small",
        "12 layers, 768 wide, context 1024: GPT-2 124M",
        new GptConfig
        {
            VocabularySize = 50257,
            ContextLength = 1024,
            ChannelCount = 768,
            HeadCount = 12,
            LayerCount = 12,
            TiedHead = true,
            Biases = true,
        },
        AndreaTraining with
        {
            LearningRate = 6e-4,
            FinalLearningRate = 6e-5,
            Initialization = InitializationKind.Gpt2,
            Optimizer = new AdamWOptions { Beta1 = 0.9, Beta2 = 0.95, WeightDecay = 0.1 },
        });

    /// <summary>Every preset, smallest first.</summary>
    public static IReadOnlyList<Preset> All { get; } = [Tiny, Chars, Andrea12M, Andrea120M, Gpt2Small, Andrea480M];

    private static AdamWOptions CharsOptimizer => new() { Beta1 = 0.9, Beta2 = 0.99, WeightDecay = 0.1 };

    /// <summary>Finds a preset by name, whatever the case.</summary>
    /// <param name="name">One of the names in <see cref="All"/>.</param>
    /// <returns>The preset.</returns>
    /// <exception cref="ArgumentException">No preset has that name; the message lists those that exist.</exception>
    public static Preset Find(string name) =>
        All.FirstOrDefault(preset => preset.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? throw new ArgumentException($"There is no preset '{name}'. Choose one of {string.Join(", ", All.Select(preset => preset.Name))}.", nameof(name));

    private static Preset AndreaPreset(string name, string summary, int vocabulary, int channels, int heads, int layers) => new(
        name,
        $"{summary}: ANDREA's",
        new GptConfig { VocabularySize = vocabulary, ContextLength = 1024, ChannelCount = channels, HeadCount = heads, LayerCount = layers },
        AndreaTraining);
}
