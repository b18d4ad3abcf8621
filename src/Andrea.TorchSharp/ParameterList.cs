using Andrea.Clipping;
using Andrea.Clipping.Policies;
using Andrea.Tensors;
using TorchSharp;
using TorchSharp.Modules;

namespace Andrea.TorchSharp;

/// <summary>Parameters of TorchSharp with a view of their gradients, brought up to date before each use.</summary>
internal sealed class ParameterList : IDisposable
{
    /// <param name="parameters">The parameters with their names.</param>
    /// <param name="clip">How their gradients will be clipped, or null.</param>
    /// <param name="hasOptimizer">Whether an optimizer knows the parameters, so that a clip policy that looks at them need not be told.</param>
    /// <exception cref="ArgumentException">A parameter is null or given twice, or there is none.</exception>
    /// <exception cref="InvalidOperationException">A parameter has been disposed.</exception>
    /// <exception cref="NotSupportedException">A parameter or gradient is of a kind that Andrea does not work on.</exception>
    public ParameterList(IEnumerable<(string Name, Parameter Parameter)> parameters, GradClipperOptions? clip, bool hasOptimizer)
    {
        (string Name, Parameter Parameter)[] list = Checked(parameters);
        if (list.Length == 0)
            throw new ArgumentException("There are no parameters to work on. Pass those of a module with layers, such as model.parameters().", nameof(parameters));
        Parameters = Array.ConvertAll(list, entry => entry.Parameter);
        Place = TorchPlace.Of(Parameters[0]);
        var seen = new HashSet<nint>();
        ExternalTensors? values = clip?.Policy is AgcPolicy && !hasOptimizer ? new ExternalTensors() : null;
        foreach ((string name, Parameter parameter) in list)
        {
            if (!seen.Add(parameter.Handle))
                throw new ArgumentException($"Parameter '{name}' is given twice. Leave one out.", nameof(parameters));
            TorchMemory.Check(parameter, "Parameter", name, Place, parameter.numel());
            Gradients.AddAbsent(name, ShapeOf(parameter));
            values?.AddAbsent(name, ShapeOf(parameter));
        }
        Values = values;
        Follow();
    }

    public Parameter[] Parameters { get; }

    /// <summary>The parameters' own elements, where a clip policy looks at them and nobody else shows it; else null.</summary>
    public ExternalTensors? Values { get; }

    /// <summary>Where all of them are.</summary>
    public TorchPlace Place { get; }

    /// <summary>The gradients; those that are not defined are absent.</summary>
    public ExternalTensors Gradients { get; } = new();

    /// <summary>Numbers the parameters of a list that has no names.</summary>
    public static IEnumerable<(string Name, Parameter Parameter)> Numbered(IEnumerable<Parameter> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        return parameters.Select((parameter, i) => ($"parameter {i}", parameter));
    }

    /// <summary>The parameters, each of which is one.</summary>
    /// <exception cref="ArgumentException">One is null.</exception>
    /// <exception cref="InvalidOperationException">One has been disposed.</exception>
    public static (string Name, Parameter Parameter)[] Checked(IEnumerable<(string Name, Parameter Parameter)> parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        (string Name, Parameter Parameter)[] list = [.. parameters];
        foreach ((string name, Parameter parameter) in list)
        {
            if (parameter is null)
                throw new ArgumentException($"Parameter '{name}' is null. Leave it out, or pass the parameter.", nameof(parameters));
            TorchMemory.CheckAlive(parameter, "Parameter", name);
        }
        return list;
    }

    /// <summary>Whether these are the same parameters, in the same order, of the same sizes.</summary>
    public bool IsOf(IReadOnlyList<Parameter> parameters)
    {
        if (parameters.Count != Parameters.Length)
            return false;
        for (int i = 0; i < Parameters.Length; i++)
            if (!ReferenceEquals(parameters[i], Parameters[i]) || parameters[i].numel() != Gradients.ShapeOf(i).Length)
                return false;
        return true;
    }

    /// <summary>Looks where each gradient lies by now. A TorchSharp object for each parameter, disposed at once; no copy.</summary>
    /// <exception cref="NotSupportedException">A gradient is of a kind that Andrea does not work on.</exception>
    /// <exception cref="InvalidOperationException">A parameter has been disposed.</exception>
    public void Follow()
    {
        CheckAlive();
        for (int i = 0; i < Parameters.Length; i++)
        {
            using torch.Tensor? gradient = Parameters[i].grad;
            if (gradient is not null)
                TorchMemory.Check(gradient, "The gradient of", Gradients.NameOf(i), Place, Gradients.ShapeOf(i).Length);
            Gradients.Move(i, gradient is null ? 0 : TorchMemory.AddressOf(gradient));
            Values?.Move(i, TorchMemory.AddressOf(Parameters[i]));
        }
    }

    /// <exception cref="InvalidOperationException">A parameter has been disposed.</exception>
    public void CheckAlive()
    {
        for (int i = 0; i < Parameters.Length; i++)
            TorchMemory.CheckAlive(Parameters[i], "Parameter", Gradients.NameOf(i));
    }

    public void Dispose()
    {
        Values?.Dispose();
        Gradients.Dispose();
    }

    /// <summary>The parameter's shape, which clip policies look at; what more than four dimensions have is one after the first.</summary>
    private static TensorShape ShapeOf(Parameter parameter)
    {
        long[] sizes = parameter.shape;
        return sizes.Length is >= 1 and <= 4 ? new TensorShape(sizes)
            : sizes.Length == 0 || sizes[0] == 0 ? new TensorShape(parameter.numel())
            : new TensorShape(sizes[0], parameter.numel() / sizes[0]);
    }
}
