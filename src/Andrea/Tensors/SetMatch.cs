namespace Andrea.Tensors;

/// <summary>Sets that belong together go by position: tensor 3 of the gradients is that of parameter 3. Here it is seen whether that can be so.</summary>
internal static class SetMatch
{
    /// <summary>Throws when the tensors of two sets cannot belong to each other in their order.</summary>
    /// <param name="parameters">The parameters.</param>
    /// <param name="others">What belongs to them, tensor for tensor.</param>
    /// <param name="kind">What one of these is called.</param>
    /// <param name="parameterName">What the caller's parameter is called.</param>
    /// <remarks>Names may differ, as in <c>w</c> and <c>w.grad</c>; but a name that both sets know must stand at the same place in both.</remarks>
    /// <exception cref="ArgumentException">Their counts or lengths differ, or a name stands at different places.</exception>
    public static void Check(TensorSet parameters, TensorSet others, string kind, string parameterName)
    {
        if (parameters.Count != others.Count)
            throw new ArgumentException(
                $"There are {parameters.Count} parameter tensors but {others.Count} {kind} tensors. Pass one {kind} for each parameter, in the same order.", parameterName);
        CheckNames(parameters, others, kind, parameterName);
        for (int i = 0; i < parameters.Count; i++)
            if (parameters.ShapeOf(i).Length != others.ShapeOf(i).Length)
                throw new ArgumentException(
                    $"Parameter '{parameters.NameOf(i)}' has {parameters.ShapeOf(i).Length} elements but its {kind} '{others.NameOf(i)}' has {others.ShapeOf(i).Length}. They must match.",
                    parameterName);
    }

    private static void CheckNames(TensorSet parameters, TensorSet others, string kind, string parameterName)
    {
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < parameters.Count; i++)
            places.Add(parameters.NameOf(i), i);
        for (int i = 0; i < others.Count; i++)
            if (places.TryGetValue(others.NameOf(i), out int place) && place != i)
                throw new ArgumentException(
                    $"The {kind} '{others.NameOf(i)}' is tensor {i} of its set, but the parameter of that name is tensor {place}; tensor {i} of the parameters is '{parameters.NameOf(i)}'."
                    + " They belong together by their order: add both in the same one.",
                    parameterName);
    }
}
