using Andrea.Tensors;

namespace Andrea.Cpu.Reference;

internal sealed partial class ReferenceBackend
{
    public void EmbeddingForward(
        DeviceBuffer<int> tokens, Tensor tokenTable, Tensor positionTable, int firstPosition, int batch, int tokenCount, int channels, Tensor output)
    {
        ReadOnlySpan<int> ids = View(tokens);
        Span<float> y = View(output);
        for (int b = 0; b < batch; b++)
            for (int t = 0; t < tokenCount; t++)
            {
                int row = b * tokenCount + t;
                ReadOnlySpan<float> token = View(tokenTable).Slice(ids[row] * channels, channels);
                ReadOnlySpan<float> position = View(positionTable).Slice((firstPosition + t) * channels, channels);
                for (int c = 0; c < channels; c++)
                    y[row * channels + c] = token[c] + position[c];
            }
    }

    public void EmbeddingBackward(
        Tensor dOutput, DeviceBuffer<int> tokens, int batch, int tokenCount, int channels, Tensor dTokenTable, Tensor dPositionTable)
    {
        ReadOnlySpan<int> ids = View(tokens);
        var tokenSums = new double[dTokenTable.Length];
        var positionSums = new double[tokenCount * channels];
        for (int b = 0; b < batch; b++)
            for (int t = 0; t < tokenCount; t++)
            {
                int row = b * tokenCount + t;
                ReadOnlySpan<float> dy = View(dOutput).Slice(row * channels, channels);
                for (int c = 0; c < channels; c++)
                {
                    tokenSums[ids[row] * channels + c] += dy[c];
                    positionSums[t * channels + c] += dy[c];
                }
            }
        AddTo(dTokenTable, tokenSums);
        AddTo(dPositionTable, positionSums);
    }
}
