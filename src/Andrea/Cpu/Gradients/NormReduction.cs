using Andrea.Backends;

namespace Andrea.Cpu.Gradients;

/// <summary>The second clip kernel on the CPU: from chunks to tensors to the global norm, then the decision. A few thousand additions.</summary>
internal static unsafe class NormReduction
{
    private const int Accumulators = 32;

    public static void Run(
        int* firstChunks, int tensorCount, ChunkPartial* partials, ClipSettings settings, TensorNorm* tensorNorms, ClipState* state)
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
            var norm = new TensorNorm { FirstNonFinite = -1 };
            uint tensorBits = 0;
            for (int chunk = first; chunk < firstChunks[tensor + 1]; chunk++)
            {
                accumulators[(chunk - first) % Accumulators] += partials[chunk].SumOfSquares;
                tensorBits = Math.Max(tensorBits, partials[chunk].MaxMagnitudeBits);
                NoteNonFinite(partials[chunk], chunk - first, ref norm);
            }
            // The sum stays here until the global sum has been taken; then its root is.
            norm.Norm = Join(accumulators);
            norm.MaxMagnitude = BitConverter.UInt32BitsToSingle(tensorBits);
            tensorNorms[tensor] = norm;
            maxBits = Math.Max(maxBits, tensorBits);
            NoteNonFinite(norm, tensor, ref found);
        }
        new Span<double>(accumulators, Accumulators).Clear();
        for (int tensor = 0; tensor < tensorCount; tensor++)
        {
            accumulators[tensor % Accumulators] += tensorNorms[tensor].Norm;
            tensorNorms[tensor].Norm = CanonicalNaN.Of(Math.Sqrt(tensorNorms[tensor].Norm));
        }
        found.Norm = CanonicalNaN.Of(Math.Sqrt(Join(accumulators)));
        found.MaxMagnitude = BitConverter.UInt32BitsToSingle(maxBits);
        ClipDecision.Decide(settings, ref found);
        for (int tensor = 0; tensor < tensorCount; tensor++)
            ClipDecision.Apply(found.Coefficient, ref tensorNorms[tensor]);
        *state = found;
    }

    private static void NoteNonFinite(in ChunkPartial partial, int chunkInTensor, ref TensorNorm norm)
    {
        if (partial.NonFiniteCount == 0)
            return;
        if (norm.NonFiniteCount == 0)
            norm.FirstNonFinite = (long)chunkInTensor * Tensors.Chunk.MaxLength + partial.FirstNonFinite;
        norm.NonFiniteCount += partial.NonFiniteCount;
    }

    private static void NoteNonFinite(in TensorNorm norm, int tensor, ref ClipState state)
    {
        if (norm.NonFiniteCount == 0)
            return;
        if (state.NonFiniteCount == 0)
            (state.FirstBadTensor, state.FirstBadIndex) = (tensor, norm.FirstNonFinite);
        state.NonFiniteCount += norm.NonFiniteCount;
    }

    private static double Join(double* accumulators) => Halves.Join(accumulators, Accumulators);
}
