using Andrea.Tensors;

namespace Andrea.Cpu.Reference;

internal sealed partial class ReferenceBackend
{
    public void LinearForward(
        Tensor input, Tensor weight, Tensor bias, Tensor residual, int rows, int inputSize, int outputSize, Tensor output)
    {
        Span<float> x = View(input), w = View(weight), b = View(bias), r = View(residual), y = View(output);
        for (int row = 0; row < rows; row++)
        {
            for (int o = 0; o < outputSize; o++)
            {
                int at = row * outputSize + o;
                double sum = (bias.IsNone ? 0 : b[o]) + (residual.IsNone ? 0.0 : r[at]);
                for (int i = 0; i < inputSize; i++)
                    sum += (double)x[row * inputSize + i] * w[o * inputSize + i];
                y[at] = (float)sum;
            }
        }
    }

    public void LinearBackwardInput(Tensor dOutput, Tensor weight, int rows, int inputSize, int outputSize, Tensor dInput)
    {
        Span<float> dy = View(dOutput), w = View(weight), dx = View(dInput);
        for (int row = 0; row < rows; row++)
        {
            for (int i = 0; i < inputSize; i++)
            {
                double sum = 0;
                for (int o = 0; o < outputSize; o++)
                    sum += (double)dy[row * outputSize + o] * w[o * inputSize + i];
                dx[row * inputSize + i] = (float)sum;
            }
        }
    }

    public void LinearBackwardWeight(
        Tensor dOutput, Tensor input, int rows, int inputSize, int outputSize, Tensor dWeight, Tensor dBias)
    {
        Span<float> dy = View(dOutput), x = View(input), dw = View(dWeight), db = View(dBias);
        for (int o = 0; o < outputSize; o++)
        {
            for (int i = 0; i < inputSize; i++)
            {
                double sum = dw[o * inputSize + i];
                for (int row = 0; row < rows; row++)
                    sum += (double)dy[row * outputSize + o] * x[row * inputSize + i];
                dw[o * inputSize + i] = (float)sum;
            }
            if (dBias.IsNone)
                continue;
            double biasSum = db[o];
            for (int row = 0; row < rows; row++)
                biasSum += dy[row * outputSize + o];
            db[o] = (float)biasSum;
        }
    }
}
