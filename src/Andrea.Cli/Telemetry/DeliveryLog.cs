namespace Andrea.Cli.Telemetry;

/// <summary>Counts what became of each delivery, which the exporters themselves tell nobody.</summary>
internal sealed class DeliveryLog : DelegatingHandler
{
    private int _delivered, _failed;
    private string? _lastFailure;

    public DeliveryLog()
        : base(new SocketsHttpHandler())
    {
    }

    /// <summary>A sentence about deliveries that failed; null when none did.</summary>
    /// <param name="url">Where they went.</param>
    public string? Complaint(Uri url)
    {
        int failed = Volatile.Read(ref _failed), all = failed + Volatile.Read(ref _delivered);
        if (failed == 0)
            return null;
        string who = failed == all ? $"Nothing could be delivered to {url}" : FormattableString.Invariant($"{failed} of {all} deliveries to {url} failed");
        return $"{who}: {_lastFailure?.TrimEnd('.')}. The run itself is complete.";
    }

    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return Noted(base.Send(request, cancellationToken));
        }
        catch (Exception exception)
        {
            Note(exception);
            throw;
        }
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return Noted(await base.SendAsync(request, cancellationToken).ConfigureAwait(false));
        }
        catch (Exception exception)
        {
            Note(exception);
            throw;
        }
    }

    private HttpResponseMessage Noted(HttpResponseMessage response)
    {
        if (response.IsSuccessStatusCode)
            Interlocked.Increment(ref _delivered);
        else
            Fail(FormattableString.Invariant($"it answered {(int)response.StatusCode} {response.ReasonPhrase}"));
        return response;
    }

    private void Note(Exception exception) => Fail(exception is OperationCanceledException ? "there was no answer in time" : exception.Message);

    private void Fail(string reason)
    {
        _lastFailure = reason;
        Interlocked.Increment(ref _failed);
    }
}
