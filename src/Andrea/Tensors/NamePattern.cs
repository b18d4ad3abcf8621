namespace Andrea.Tensors;

/// <summary>Names with <c>*</c> for any run of characters, dots included, as in <c>h.*.attn.*</c>.</summary>
internal static class NamePattern
{
    /// <summary>Whether the whole name is as the pattern says; upper and lower case differ.</summary>
    public static bool Matches(ReadOnlySpan<char> pattern, ReadOnlySpan<char> name)
    {
        int star = pattern.IndexOf('*');
        if (star < 0)
            return pattern.SequenceEqual(name);
        if (!name.StartsWith(pattern[..star], StringComparison.Ordinal))
            return false;
        for (int i = star; i <= name.Length; i++)
            if (Matches(pattern[(star + 1)..], name[i..]))
                return true;
        return false;
    }
}
