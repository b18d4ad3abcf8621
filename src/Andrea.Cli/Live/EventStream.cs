using System.Buffers;
using System.IO.Pipelines;
using System.Text;

namespace Andrea.Cli.Live;

/// <summary>Tells one client what is appended to a run's files, as server-sent events.</summary>
/// <remarks>
/// <para><c>event: metrics</c> and <c>event: gradients</c> each have one line of that file as their data, in order, each line once.
/// <c>event: reset</c>: a file was cut or written anew, read the run's data again. <c>event: end</c>: the server ends.</para>
/// <para>The id of an event says how far both files have been told, so that a browser that reconnects goes on where it was. Nothing is kept
/// for a client but one piece of a file: what it has not read yet lies in the file, and who takes nothing for a while is given up.</para>
/// </remarks>
internal sealed class EventStream
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250), Heartbeat = TimeSpan.FromSeconds(15);

    private readonly FileTail _metrics, _gradients;
    private readonly PipeWriter _output;
    private readonly TimeSpan _patience;

    /// <param name="metrics">Follows metrics.jsonl.</param>
    /// <param name="gradients">Follows gradients.jsonl.</param>
    /// <param name="output">The response.</param>
    /// <param name="patience">How long a client may take none of what it was sent.</param>
    public EventStream(FileTail metrics, FileTail gradients, PipeWriter output, TimeSpan patience)
    {
        _metrics = metrics;
        _gradients = gradients;
        _output = output;
        _patience = patience;
    }

    /// <summary>Goes to where the client is: where its last event left it, or where it says that its data ends, or to the end of the files.</summary>
    /// <param name="lastEventId">Header of a browser that reconnects.</param>
    /// <param name="metrics">Bytes of metrics.jsonl that the client knows.</param>
    /// <param name="gradients">Bytes of gradients.jsonl that the client knows.</param>
    /// <returns>False when the files are not those that the client knows.</returns>
    public bool Begin(string? lastEventId, long? metrics, long? gradients)
    {
        if (lastEventId?.Split('-') is [var first, var second])
            return _metrics.TryGoTo(first) & _gradients.TryGoTo(second);
        return Begin(_metrics, metrics) & Begin(_gradients, gradients);
    }

    /// <summary>Tells until the client is gone or the server ends.</summary>
    /// <param name="isReset">Whether the client has to read everything anew.</param>
    /// <param name="ending">The server ends; what is in the files by then is still told.</param>
    /// <param name="gone">The client has closed the connection.</param>
    /// <exception cref="TimeoutException">The client takes nothing.</exception>
    public async Task RunAsync(bool isReset, CancellationToken ending, CancellationToken gone)
    {
        Write("retry: 2000\n");
        if (isReset)
            Write("event: reset\ndata: {}\n");
        Write($"id: {_metrics.Mark()}-{_gradients.Mark()}\n\n");
        await FlushAsync(gone).ConfigureAwait(false);
        TimeSpan silence = TimeSpan.Zero;
        while (!gone.IsCancellationRequested)
        {
            // Before the files are looked at: what was written before the end is then seen.
            bool isLast = ending.IsCancellationRequested;
            bool told = await TellAsync(_metrics, "metrics", gone).ConfigureAwait(false) | await TellAsync(_gradients, "gradients", gone).ConfigureAwait(false);
            if (isLast && !told)
                break;
            if (told)
            {
                silence = TimeSpan.Zero;
                continue;
            }
            using (var either = CancellationTokenSource.CreateLinkedTokenSource(ending, gone))
                await Task.Delay(Interval, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if ((silence += Interval) < Heartbeat)
                continue;
            // So that a connection that died without a word is noticed.
            Write(":\n\n");
            await FlushAsync(gone).ConfigureAwait(false);
            silence = TimeSpan.Zero;
        }
        Write("event: end\ndata: {}\n\n");
        await FlushAsync(gone).ConfigureAwait(false);
    }

    private static bool Begin(FileTail tail, long? position)
    {
        if (position is { } known)
            return tail.TryGoTo(known);
        tail.SkipToEnd();
        return true;
    }

    private async Task<bool> TellAsync(FileTail tail, string name, CancellationToken gone)
    {
        TailChange change = tail.Read(out ReadOnlyMemory<byte> lines);
        if (change == TailChange.None)
            return false;
        if (change == TailChange.Reset)
            Write($"event: reset\nid: {_metrics.Mark()}-{_gradients.Mark()}\ndata: {{}}\n\n");
        for (int begin = 0, end; begin < lines.Length; begin = end)
        {
            end = begin + lines.Span[begin..].IndexOf((byte)'\n') + 1;
            ReadOnlySpan<byte> line = lines.Span[begin..end].Trim("\r\n "u8);
            // What is no line of Andrea's must not end the event early: a lone CR is a line break here.
            if (line.IsEmpty || line.Contains((byte)'\r'))
                continue;
            string mark = tail.MarkWithin(end);
            Write($"event: {name}\nid: {(tail == _metrics ? mark : _metrics.Mark())}-{(tail == _gradients ? mark : _gradients.Mark())}\ndata: ");
            _output.Write(line);
            Write("\n\n");
        }
        await FlushAsync(gone).ConfigureAwait(false);
        return true;
    }

    private void Write(string text) => Encoding.UTF8.GetBytes(text, _output);

    private async Task FlushAsync(CancellationToken gone)
    {
        ValueTask<FlushResult> flush = _output.FlushAsync(gone);
        if (!flush.IsCompleted)
            await flush.AsTask().WaitAsync(_patience, gone).ConfigureAwait(false);
        else
            await flush.ConfigureAwait(false);
    }
}
