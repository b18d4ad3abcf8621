namespace Andrea.Cli.Rendering;

/// <summary>Shows a training run: a moving display for a terminal, plain lines for a file or pipe.</summary>
internal interface ITrainingView
{
    /// <summary>Shows the run while it works.</summary>
    /// <param name="work">The training; calls the other members meanwhile.</param>
    Task ShowAsync(Func<Task> work);

    /// <summary>A step was made. Called very often; most calls change nothing on the screen.</summary>
    void Show(in TrainingStatus status);

    /// <summary>Something worth a line of its own. From any thread.</summary>
    void Note(string line);

    /// <summary>A value far off its recent ones. May come often, and from any thread.</summary>
    void Spike(string line);

    /// <summary>Something is wrong with the run: worth lines of its own, and to stay in sight. From any thread.</summary>
    /// <param name="name">What is wrong, in a few words, and at which step.</param>
    /// <param name="evidence">What shows it, in a sentence.</param>
    /// <param name="remedy">What helps, in a sentence.</param>
    void Verdict(string name, string evidence, string remedy);

    /// <summary>Text that the model wrote; may hold anything. From any thread.</summary>
    void Sample(string text);
}
