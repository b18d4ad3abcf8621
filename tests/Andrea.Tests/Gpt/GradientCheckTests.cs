using Andrea.Gpt;
using Andrea.Tensors;
using Andrea.Tests.Support;

namespace Andrea.Tests.Gpt;

/// <summary>The whole model's backward pass against slopes of its loss, in every tensor, for every combination of options.</summary>
public class GradientCheckTests
{
    private const int Batch = 2, Tokens = 4, Channels = 8, SamplesPerTensor = 12;

    /// <summary>Long enough that float32's scatter stays small, short enough that the fourth order's error does.</summary>
    private const double Step = 1e-2;

    public static MatrixTheoryData<bool, bool, NormKind, ActivationKind> Options => new(
        [true, false], [true, false], [NormKind.LayerNorm, NormKind.RmsNorm], [ActivationKind.Gelu, ActivationKind.Relu]);

    [Theory]
    [MemberData(nameof(Options))]
    public void Backward_EveryTensor_IsTheSlopeOfTheLoss(bool tiedHead, bool biases, NormKind norm, ActivationKind activation)
    {
        using var device = TestDevice.Open("reference");
        using var model = new GptModel(device.Device, new GptConfig
        {
            // One position and several tokens stay unused: their gradients must be 0, unless the head is tied.
            VocabularySize = 13, ContextLength = Tokens + 1, ChannelCount = Channels, HeadCount = 2, LayerCount = 2,
            TiedHead = tiedHead, Biases = biases, Norm = norm, Activation = activation,
        });
        Randomize(model);
        if (activation == ActivationKind.Relu)
            KeepHiddenValuesFromZero(model);
        using var pass = new GptPass(model, Batch, Tokens);
        int[] inputs = [3, 0, 12, 3, 7, 7, 1, 5], targets = [0, 12, 3, 9, 7, 1, 5, 0];
        model.ZeroGradients();
        pass.ForwardBackward(inputs, targets);

        double Loss()
        {
            pass.ResetLoss();
            pass.Evaluate(inputs, targets);
            return pass.ReadLoss();
        }
        for (int i = 0; i < model.Layout.Count; i++)
        {
            long[] sampled = SampledIndices(model.Parameters[i].Length);
            float[] gradient = model.Gradients[i].ToArray();
            Tolerance.FiniteDifference(Step).AssertClose(
                model.Layout.NameOf(i),
                [.. sampled.Select(index => (float)Slope(model.Parameters[i], index, Loss))],
                [.. sampled.Select(index => gradient[index])]);
        }
    }

    /// <summary>From the first element to the last, at uneven distances.</summary>
    private static long[] SampledIndices(long length) =>
        [.. Enumerable.Range(0, SamplesPerTensor).Select(sample => (length - 1) * sample / (SamplesPerTensor - 1)).Distinct()];

    /// <summary>Central difference over four points; its error falls with the fourth power of the step.</summary>
    private static double Slope(Tensor parameter, long index, Func<double> loss)
    {
        var original = new float[1];
        parameter.CopyTo(original, index);
        double At(double distance)
        {
            parameter.CopyFrom([(float)(original[0] + distance)], index);
            return loss();
        }
        double slope = (8 * (At(Step) - At(-Step)) - (At(2 * Step) - At(-2 * Step))) / (12 * Step);
        parameter.CopyFrom(original, index);
        return slope;
    }

    /// <summary>Values large enough that every gradient matters, unlike those a training starts from; tables so large that no norm
    /// divides by little.</summary>
    private static void Randomize(GptModel model)
    {
        for (int i = 0; i < model.Layout.Count; i++)
        {
            Tensor parameter = model.Parameters[i];
            string name = model.Layout.NameOf(i);
            bool normWeight = parameter.Shape.Rank == 1 && name.EndsWith("weight", StringComparison.Ordinal);
            float[] values = TestDevice.Normal(300 + (ulong)i, parameter.Length, scale: normWeight ? 0.1 : name is "wte" or "wpe" ? 0.8 : 0.3);
            parameter.CopyFrom(normWeight ? [.. values.Select(value => 1 + value)] : values);
        }
    }

    /// <summary>
    /// A slope across ReLU's kink says nothing. So channel 0 of every position becomes large, and what reads it into the hidden layer strong,
    /// by turns positive and negative: half of the hidden values are well above 0, half well below.
    /// </summary>
    private static void KeepHiddenValuesFromZero(GptModel model)
    {
        ChangeColumn0(model.Parameters["wpe"], row => 6);
        for (int layer = 0; layer < model.Config.LayerCount; layer++)
        {
            ChangeColumn0(model.Parameters[$"h.{layer}.mlp.c_fc.weight"], row => row % 2 == 0 ? 2 : -2);
            Tensor projection = model.Parameters[$"h.{layer}.mlp.c_proj.weight"];
            projection.CopyFrom([.. projection.ToArray().Select(value => value * 0.3f)]);
        }
    }

    private static void ChangeColumn0(Tensor matrix, Func<int, float> value)
    {
        for (int row = 0; row < matrix.Shape[0]; row++)
            matrix.CopyFrom([value(row)], row * matrix.Shape[1]);
    }
}
