namespace Andrea.Data;

/// <summary>A kind of text in the <see cref="BuiltInCorpus"/>.</summary>
public enum CorpusKind
{
    /// <summary>Short stories: someone wants something, something is in the way, somebody helps.</summary>
    Stories = 1,

    /// <summary>List-structured repository notes: changelogs, READMEs, task lists, function notes, commit logs, settings.</summary>
    Notes = 2,

    /// <summary>Questions, on lines that begin with "&gt; ", each followed by its right answer on a line that begins with "&lt; ".</summary>
    Questions = 3,
}
