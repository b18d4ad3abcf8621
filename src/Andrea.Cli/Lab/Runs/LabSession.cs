using Spectre.Console;

namespace Andrea.Cli.Lab.Runs;

/// <summary>Makes the runs of an experiment, as many at once as there are processors, and shows how far it is.</summary>
/// <param name="terminal">Where progress is shown, if a person watches.</param>
/// <param name="cancellation">Ends the experiment with what is there.</param>
internal sealed class LabSession(Terminal terminal, CancellationToken cancellation = default)
{
    /// <summary>Whether it was ended early.</summary>
    public bool IsCancelled => cancellation.IsCancellationRequested;

    /// <summary>Makes runs.</summary>
    /// <param name="what">What they are, for the progress bar.</param>
    /// <param name="arms">The arms.</param>
    /// <returns>A result for each arm, in their order; null where the experiment was ended before.</returns>
    public LabResult?[] Run(string what, IReadOnlyList<LabArm> arms) => Show(what, arms.Count, done => RunAll(arms, done));

    /// <summary>Does work that says when a part of it is done.</summary>
    public T Show<T>(string what, int count, Func<Action, T> work)
    {
        if (!terminal.IsInteractive)
            return work(() => { });
        T result = default!;
        terminal.Console.Progress().Start(context =>
        {
            ProgressTask task = context.AddTask(Markup.Escape(what), maxValue: count);
            result = work(() => task.Increment(1));
        });
        return result;
    }

    private LabResult?[] RunAll(IReadOnlyList<LabArm> arms, Action done)
    {
        var results = new LabResult?[arms.Count];
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        int next = -1;
        Task[] workers = [.. Enumerable.Range(0, Math.Min(Environment.ProcessorCount, arms.Count))
            .Select(_ => Task.Factory.StartNew(Work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];
        Task.WaitAll(workers);
        return results;

        void Work()
        {
            try
            {
                for (int arm; !stop.IsCancellationRequested && (arm = Interlocked.Increment(ref next)) < arms.Count;)
                {
                    results[arm] = LabRun.Make(arms[arm], stop.Token);
                    done();
                }
            }
            catch
            {
                // The others need not go on for minutes before the error is told.
                stop.Cancel();
                throw;
            }
        }
    }
}
