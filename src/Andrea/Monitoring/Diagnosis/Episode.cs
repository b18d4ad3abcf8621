namespace Andrea.Monitoring.Diagnosis;

/// <summary>Whether something is wrong now: begins when it is seen so often in a row, ends when it has been away so often in a row.</summary>
/// <param name="toBegin">Sightings in a row that make a beginning.</param>
/// <param name="toEnd">Absences in a row that make an end, so that what comes and goes is told once.</param>
internal sealed class Episode(int toBegin, int toEnd)
{
    private int _seen;
    private long _firstSeen;

    /// <summary>Whether it has begun and not ended.</summary>
    public bool Active { get; private set; }

    /// <summary>Absences in a row since it was last seen.</summary>
    public int Away { get; private set; }

    /// <summary>The first of the sightings that made the beginning.</summary>
    public long Since { get; private set; }

    /// <summary>Goes on with one that begins at the first sighting, of which nobody asks for <see cref="Since"/>.</summary>
    public void Restore(bool active, int away) => (Active, Away) = (active, away);

    /// <summary>Takes the next look.</summary>
    /// <param name="present">Whether it is seen.</param>
    /// <param name="step">Where.</param>
    /// <returns>Whether it begins here.</returns>
    public bool Begins(bool present, long step)
    {
        if (!present)
        {
            _seen = 0;
            if (Active && ++Away >= toEnd)
                Active = false;
            return false;
        }
        Away = 0;
        if (_seen++ == 0)
            _firstSeen = step;
        if (Active || _seen < toBegin)
            return false;
        (Active, Since) = (true, _firstSeen);
        return true;
    }
}
