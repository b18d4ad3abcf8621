using Andrea.Backends;

namespace Andrea.Cpu.Gradients;

/// <summary>The second clip kernel on the CPU: from chunks to tensors to the global norm, then the decision. A few thousand additions.</summary>
internal static unsafe class NormReduction
{
    private const int Accumulators = 32;

    public static void Run(
        int* firstChunks, int tensorCount, ChunkPartial* partials, ClipSettings settings, double* tensorNorms, ClipState* state)
    {
        double* accumulators = stackalloc double[Accumulators];
        var found = new ClipState
        {
            Calls = state->Calls,
            ClippedCalls = state->ClippedCalls,
            SkippedCalls = state->SkippedCalls,
            ConsecutiveSkips = state->ConsecutiveSkips,
            FirstBadTensor = -1,
            FirstBadIndex = -1,
        };
        uint maxBits = 0;
        for (int tensor = 0; tensor < tensorCount; tensor++)
        {
            new Span<double>(accumulators, Accumulators).Clear();
            int first = firstChunks[tensor];
            for (int chunk = first; chunk < firstChunks[tensor + 1]; chunk++)
            {
                accumulators[(chunk - first) % Accumulators] += partials[chunk].SumOfSquares;
                maxBits = Math.Max(maxBits, partials[chunk].MaxMagnitudeBits);
                NoteNonFinite(partials[chunk], tensor, chunk - first, ref found);
            }
            // The sum stays here until the global sum has been taken; then its root is.
            tensorNorms[tensor] = Join(accumulators);
        }
        new Span<double>(accumulators, Accumulators).Clear();
        for (int tensor = 0; tensor < tensorCount; tensor++)
        {
            accumulators[tensor % Accumulators] += tensorNorms[tensor];
            tensorNorms[tensor] = CanonicalNaN.Of(Math.Sqrt(tensorNorms[tensor]));
        }
        found.Norm = CanonicalNaN.Of(Math.Sqrt(Join(accumulators)));
        found.MaxMagnitude = BitConverter.UInt32BitsToSingle(maxBits);
        ClipDecision.Decide(settings, ref found);
        *state = found;
    }

    private static void NoteNonFinite(in ChunkPartial partial, int tensor, int chunkInTensor, ref ClipState state)
    {
        if (partial.NonFiniteCount == 0)
            return;
        if (state.NonFiniteCount == 0)
        {
            state.FirstBadTensor = tensor;
            state.FirstBadIndex = (long)chunkInTensor * Tensors.Chunk.MaxLength + partial.FirstNonFinite;
        }
        state.NonFiniteCount += partial.NonFiniteCount;
    }

    private static double Join(double* accumulators)
    {
        for (int half = Accumulators / 2; half > 0; half /= 2)
            for (int i = 0; i < half; i++)
                accumulators[i] += accumulators[i + half];
        return accumulators[0];
    }
}
