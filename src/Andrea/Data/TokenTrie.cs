namespace Andrea.Data;

/// <summary>Finds the longest token that a text begins with: a trie in one array, so that a step is one addition and one read.</summary>
/// <remarks>
/// A double-array trie (Aoe, 1989). The child of node n by byte b lies in slot Base(n) + b if that slot names n as its parent; nodes share
/// the array, each filling gaps that the others leave. Immutable, so any number of threads may share one. Memory: 12 bytes a slot, and
/// few slots stay empty.
/// </remarks>
internal sealed class TokenTrie
{
    private const int None = -1, ByteCount = 256, MostTries = 16;

    private Slot[] _slots = new Slot[4 * ByteCount];
    // The first 256 slots behind the root are its children's, so that any later slot suits any byte. Below _firstFree all are taken; nodes
    // with several children do not look below _firstRoomy, so that nearly full regions are not searched again and again.
    private int _firstFree = 1 + ByteCount, _firstRoomy = 1 + ByteCount, _highest = ByteCount;

    /// <summary>Builds the trie.</summary>
    /// <param name="strings">None empty. Of equal ones one is found.</param>
    /// <param name="tokens">tokens[i] is what strings[i] is found as; at least 0.</param>
    public TokenTrie(byte[][] strings, int[] tokens)
    {
        int[] order = [.. Enumerable.Range(0, strings.Length)];
        Array.Sort(order, (left, right) => strings[left].AsSpan().SequenceCompareTo(strings[right]));
        _slots.AsSpan().Fill(Slot.Empty);
        _slots[0] = new Slot { Parent = None, Token = None };
        Build(strings, tokens, order);
        // Whatever byte comes, the slot that it leads to exists.
        Resize(_highest + 1 + ByteCount);
    }

    /// <summary>The longest string of the trie that the text begins with.</summary>
    /// <param name="text">At least one byte.</param>
    /// <param name="token">Its token; negative if the text begins with none.</param>
    /// <param name="isOpen">The text ended where a longer string could go on, so more text could change the answer.</param>
    /// <returns>Its length in bytes; 0 if there is none.</returns>
    public int LongestMatch(ReadOnlySpan<byte> text, out int token, out bool isOpen)
    {
        Slot[] slots = _slots;
        int node = 0, length = 0, position = 0;
        token = None;
        while (position < text.Length)
        {
            int next = slots[node].Base + text[position];
            if (slots[next].Parent != node)
            {
                isOpen = false;
                return length;
            }
            node = next;
            position++;
            if (slots[node].Token >= 0)
                (token, length) = (slots[node].Token, position);
        }
        isOpen = slots[node].Base != 0;
        return length;
    }

    /// <summary>The token of exactly these bytes; negative if there is none.</summary>
    public int Find(ReadOnlySpan<byte> text)
    {
        Slot[] slots = _slots;
        int node = 0;
        foreach (byte value in text)
        {
            int next = slots[node].Base + value;
            if (slots[next].Parent != node)
                return None;
            node = next;
        }
        return slots[node].Token;
    }

    /// <summary>Places node after node; strings with a common beginning stand together in the order.</summary>
    private void Build(byte[][] strings, int[] tokens, int[] order)
    {
        var waiting = new Stack<(int Node, int Start, int End, int Depth)>();
        waiting.Push((0, 0, order.Length, 0));
        var children = new List<(byte Value, int Start, int End)>(ByteCount);
        while (waiting.TryPop(out (int Node, int Start, int End, int Depth) next))
        {
            (int node, int start, int end, int depth) = next;
            while (start < end && strings[order[start]].Length == depth)
                _slots[node].Token = tokens[order[start++]];
            if (start == end)
                continue;
            children.Clear();
            for (int i = start; i < end; i++)
            {
                byte value = strings[order[i]][depth];
                if (children.Count > 0 && children[^1].Value == value)
                    children[^1] = (value, children[^1].Start, i + 1);
                else
                    children.Add((value, i, i + 1));
            }
            int place = node == 0 ? 1 : Place(children);
            _slots[node].Base = place;
            foreach ((byte value, int first, int last) in children)
            {
                _slots[place + value] = new Slot { Parent = node, Token = None };
                waiting.Push((place + value, first, last, depth + 1));
            }
        }
    }

    /// <summary>A base by which all children find an empty slot.</summary>
    private int Place(List<(byte Value, int Start, int End)> children)
    {
        byte smallest = children[0].Value;
        while (!IsFree(_firstFree))
            _firstFree++;
        int tries = 0;
        for (int slot = children.Count == 1 ? _firstFree : Math.Max(_firstFree, _firstRoomy); ; slot++)
        {
            if (!IsFree(slot))
                continue;
            int place = slot - smallest;
            if (children.TrueForAll(child => IsFree(place + child.Value)))
            {
                _highest = Math.Max(_highest, place + children[^1].Value);
                return place;
            }
            if (++tries == MostTries)
                _firstRoomy = slot;
        }
    }

    private bool IsFree(int slot)
    {
        if (slot >= _slots.Length)
            Resize(Math.Max(2 * _slots.Length, slot + 1));
        return _slots[slot].Parent == Slot.Free;
    }

    private void Resize(int length)
    {
        int before = _slots.Length;
        Array.Resize(ref _slots, length);
        if (length > before)
            _slots.AsSpan(before).Fill(Slot.Empty);
    }

    private struct Slot
    {
        public const int Free = -2;

        public static readonly Slot Empty = new() { Parent = Free, Token = None };

        /// <summary>Where the children are, at least 1; 0 for a node without any.</summary>
        public int Base;

        /// <summary>The slot of the parent; <see cref="Free"/> if nothing is here.</summary>
        public int Parent;

        /// <summary>The token that ends here; negative if none does.</summary>
        public int Token;
    }
}
