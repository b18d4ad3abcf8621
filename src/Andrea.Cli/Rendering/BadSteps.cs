using Andrea.Monitoring;
using static System.FormattableString;

namespace Andrea.Cli.Rendering;

/// <summary>Tells of steps whose gradients are not finite, so that a run of thousands of them does not bury all else: of the first, the tenth,
/// the hundredth, and of their end.</summary>
internal sealed class BadSteps
{
    // Fewer good steps between two bad ones make no end: a run that is bad in every second step is no better news.
    private const long GoodStepsAtTheEnd = 10;

    private long _count, _first, _last;
    private long _nextTold = 1;

    /// <summary>What is worth telling after one more step; null for nothing.</summary>
    public string? After(in StepRecord record)
    {
        if (record.Clip.FirstBadTensor is not { } tensor)
            return record.Step - _last >= GoodStepsAtTheEnd ? End() : null;
        if (_count == 0)
            _first = record.Step;
        _last = record.Step;
        if (++_count < _nextTold)
            return null;
        _nextTold *= 10;
        string skipped = !record.Clip.Skipped ? "" : "skipped, ";
        string soFar = _count > 1 ? Invariant($"; so in {_count} steps since step {_first}") : "";
        return Invariant($"step {record.Step}: {skipped}{record.Clip.NonFiniteCount} {(record.Clip.NonFiniteCount == 1 ? "gradient is" : "gradients are")} not finite, ")
            + Invariant($"the first in {tensor}[{record.Clip.FirstBadIndex}]{soFar}");
    }

    private string? End()
    {
        // A single bad step has been told of; that the next ones are good goes without saying.
        string? note = _count > 1
            ? Invariant($"step {_last + 1}: gradients are finite again, after {_count} steps since step {_first} in which they were not")
            : null;
        (_count, _nextTold) = (0, 1);
        return note;
    }
}
