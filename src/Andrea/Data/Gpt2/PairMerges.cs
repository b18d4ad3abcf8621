namespace Andrea.Data.Gpt2;

/// <summary>Byte-pair encoding (Sennrich et al., arXiv:1508.07909): which two neighbouring tokens become one, and which first.</summary>
internal sealed class PairMerges
{
    private const int NoRank = int.MaxValue;

    // Up to here, looking for the lowest rank again after every merge is faster than keeping a queue.
    private const int LongestShort = 48;

    private readonly Dictionary<ulong, Merge> _merges = [];

    /// <summary>Adds a pair, unless it is there already.</summary>
    /// <param name="left">First token.</param>
    /// <param name="right">Token after it.</param>
    /// <param name="rank">The lower, the earlier.</param>
    /// <param name="merged">What they become.</param>
    public void Add(int left, int right, int rank, int merged) => _merges.TryAdd(Key(left, right), new Merge(rank, merged));

    /// <summary>Merges the pair of lowest rank, of several the leftmost, until there is none; in O(n log n).</summary>
    /// <param name="tokens">Overwritten by what they become.</param>
    /// <returns>How many tokens are left.</returns>
    public int Apply(Span<int> tokens) => tokens.Length <= LongestShort ? ApplyToShort(tokens) : ApplyToLong(tokens);

    private int ApplyToShort(Span<int> tokens)
    {
        int count = tokens.Length;
        Span<Merge> merges = stackalloc Merge[LongestShort];
        for (int i = 0; i + 1 < count; i++)
            merges[i] = Of(tokens[i], tokens[i + 1]);
        while (count > 1)
        {
            int best = 0;
            for (int i = 1; i + 1 < count; i++)
                if (merges[i].Rank < merges[best].Rank)
                    best = i;
            if (merges[best].Rank == NoRank)
                break;
            tokens[best] = merges[best].Token;
            tokens[(best + 2)..count].CopyTo(tokens[(best + 1)..]);
            merges[(best + 1)..(count - 1)].CopyTo(merges[best..]);
            count--;
            if (best > 0)
                merges[best - 1] = Of(tokens[best - 1], tokens[best]);
            if (best + 1 < count)
                merges[best] = Of(tokens[best], tokens[best + 1]);
        }
        return count;
    }

    private int ApplyToLong(Span<int> tokens)
    {
        const int Gone = -1;
        int length = tokens.Length;
        // The neighbours of each token that is left; a token stays at the place of its first byte.
        var previous = new int[length];
        var next = new int[length];
        var waiting = new PriorityQueue<Candidate, long>(length);
        for (int i = 0; i < length; i++)
            (previous[i], next[i]) = (i - 1, i + 1);
        for (int i = 0; i + 1 < length; i++)
            Consider(i, tokens);
        while (waiting.TryDequeue(out Candidate candidate, out _))
        {
            int left = candidate.Position, right = next[left];
            // Another merge may have taken either of them.
            if (tokens[left] != candidate.Left || right == length || tokens[right] != candidate.Right)
                continue;
            tokens[left] = candidate.Merged;
            tokens[right] = Gone;
            next[left] = next[right];
            if (next[left] < length)
                previous[next[left]] = left;
            Consider(left, tokens);
            if (previous[left] >= 0)
                Consider(previous[left], tokens);
        }
        int count = 0;
        for (int i = 0; i < length; i = next[i])
            tokens[count++] = tokens[i];
        return count;

        void Consider(int position, Span<int> tokens)
        {
            if (next[position] == length)
                return;
            int left = tokens[position], right = tokens[next[position]];
            Merge merge = Of(left, right);
            if (merge.Rank != NoRank)
                waiting.Enqueue(new Candidate(position, left, right, merge.Token), ((long)merge.Rank << 32) | (uint)position);
        }
    }

    private Merge Of(int left, int right) => _merges.TryGetValue(Key(left, right), out Merge merge) ? merge : new Merge(NoRank, 0);

    /// <summary>A number of the pair's own, since an odd factor loses nothing; without it a dictionary's hash would be left ^ right, the same
    /// for many pairs.</summary>
    private static ulong Key(int left, int right) => (((ulong)(uint)left << 32) | (uint)right) * 0x9E3779B97F4A7C15;

    private readonly record struct Merge(int Rank, int Token);

    private readonly record struct Candidate(int Position, int Left, int Right, int Merged);
}
