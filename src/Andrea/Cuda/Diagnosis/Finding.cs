namespace Andrea.Cuda.Diagnosis;

/// <summary>A fact about the machine, or why it could not be found out; never both.</summary>
/// <param name="Value">The fact.</param>
/// <param name="Problem">One or more sentences for people.</param>
internal sealed record Finding<T>(T? Value, string? Problem)
    where T : class;

internal static class Finding
{
    /// <summary>Finds something out. Whatever goes wrong becomes the problem: a diagnosis is for machines on which things go wrong.</summary>
    public static Finding<T> Of<T>(Func<T> find)
        where T : class
    {
        try
        {
            return new Finding<T>(find(), null);
        }
        catch (Exception error)
        {
            return Missing<T>(error.Message);
        }
    }

    public static Finding<T> Missing<T>(string problem)
        where T : class => new(null, problem);
}
