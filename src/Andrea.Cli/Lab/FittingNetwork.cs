using Andrea.Numerics;
using Andrea.Tensors;

namespace Andrea.Cli.Lab;

/// <summary>A fully connected network with one hidden layer, y = w2 tanh(w1 x + b1) + b2, that fits sin x + sin 4x on [-pi, pi] from all points at once.</summary>
/// <remarks>Parameters and gradients are float32 arenas, as optimizers take them; what lies between is computed in double, so that a gradient is
/// right to its last bit, and a difference of two is as good as a Hessian.</remarks>
internal sealed class FittingNetwork : IDisposable
{
    private readonly int _hidden;
    private readonly double[] _inputs, _targets, _activated;
    private readonly float[] _values, _slopes;
    private readonly long _weight1, _bias1, _weight2, _bias2;

    public FittingNetwork(Device device, int hidden, int points, ulong seed)
    {
        _hidden = hidden;
        _inputs = [.. Enumerable.Range(0, points).Select(i => -Math.PI + 2 * Math.PI * i / (points - 1))];
        _targets = [.. _inputs.Select(x => Math.Sin(x) + Math.Sin(4 * x))];
        _activated = new double[hidden];
        var layout = new ParameterLayout();
        layout.Add("w1", new TensorShape(hidden, 1));
        layout.Add("b1", new TensorShape(hidden));
        layout.Add("w2", new TensorShape(1, hidden));
        layout.Add("b2", new TensorShape(1));
        (_weight1, _bias1, _weight2, _bias2) = (layout.OffsetOf(0), layout.OffsetOf(1), layout.OffsetOf(2), layout.OffsetOf(3));
        Parameters = new ParameterArena(device, layout);
        Gradients = new ParameterArena(device, layout);
        _values = new float[Parameters.Flat.Length];
        _slopes = new float[Parameters.Flat.Length];
        var random = new Philox(seed, 0);
        Fill(ref random, "w1", 1);
        Fill(ref random, "b1", 1);
        Fill(ref random, "w2", 1 / Math.Sqrt(hidden));
    }

    public ParameterArena Parameters { get; }

    public ParameterArena Gradients { get; }

    /// <summary>Overwrites the gradients with those of the mean squared error, and gives the error.</summary>
    public double Differentiate()
    {
        Parameters.Flat.CopyTo(_values);
        var slopes = new double[_slopes.Length];
        double loss = 0;
        for (int n = 0; n < _inputs.Length; n++)
        {
            double x = _inputs[n], output = _values[_bias2];
            for (int j = 0; j < _hidden; j++)
            {
                _activated[j] = Math.Tanh(_values[_weight1 + j] * x + _values[_bias1 + j]);
                output += _values[_weight2 + j] * _activated[j];
            }
            double error = output - _targets[n], slope = 2 * error / _inputs.Length;
            loss += error * error / _inputs.Length;
            slopes[_bias2] += slope;
            for (int j = 0; j < _hidden; j++)
            {
                double inner = slope * _values[_weight2 + j] * (1 - _activated[j] * _activated[j]);
                slopes[_weight2 + j] += slope * _activated[j];
                slopes[_bias1 + j] += inner;
                slopes[_weight1 + j] += inner * x;
            }
        }
        for (int i = 0; i < slopes.Length; i++)
            _slopes[i] = (float)slopes[i];
        Gradients.Flat.CopyFrom(_slopes);
        return loss;
    }

    public void Dispose()
    {
        Parameters.Dispose();
        Gradients.Dispose();
    }

    private void Fill(ref Philox random, string name, double deviation)
    {
        var values = new float[Parameters[name].Length];
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)(deviation * random.NextNormal());
        Parameters[name].CopyFrom(values);
    }
}
