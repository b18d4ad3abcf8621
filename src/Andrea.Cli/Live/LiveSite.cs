using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Andrea.Cli.Live;

/// <summary>Answers requests about runs. Looks into their folders, and touches nothing.</summary>
/// <param name="runs">What may be asked about.</param>
/// <param name="address">Under which names requests are answered.</param>
/// <param name="note">Tells the user.</param>
/// <param name="ending">Cancelled when the server ends.</param>
internal sealed class LiveSite(RunList runs, LiveAddress address, Action<string> note, CancellationToken ending) : IDisposable
{
    /// <summary>Browsers open one stream a page; each costs two looks at the disk four times a second.</summary>
    internal const int MaxStreams = 32;

    /// <summary>More runs in one page than this are shown as they are, since browsers keep six connections to one server.</summary>
    private const int MostLiveRuns = 4;

    private const string Html = "text/html; charset=utf-8", Json = "application/json; charset=utf-8", Text = "text/plain; charset=utf-8";

    // Reading a large run takes a core for seconds, which training wants, too.
    private readonly SemaphoreSlim _reading = new(1, 1);
    private int _streams, _hasFailed;

    /// <summary>How long a client may take none of what it was sent.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Clients that are being told of a run now.</summary>
    public int Streams => Volatile.Read(ref _streams);

    /// <summary>Held by the request that reads files now.</summary>
    internal SemaphoreSlim Reading => _reading;

    public void Dispose() => _reading.Dispose();

    /// <summary>Answers one request; never throws.</summary>
    public async Task AnswerAsync(HttpContext context)
    {
        try
        {
            SetHeaders(context.Response);
            if (Refusal(context.Request) is { } refusal)
                await SayAsync(context, refusal.Status, refusal.Sentence).ConfigureAwait(false);
            else
                await AnswerAllowedAsync(context).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is OperationCanceledException or TimeoutException)
        {
            // The client is gone, or has taken nothing for too long.
            context.Abort();
        }
        catch (Exception exception)
        {
            await FailAsync(context, exception).ConfigureAwait(false);
        }
    }

    private static void SetHeaders(HttpResponse response)
    {
        IHeaderDictionary headers = response.Headers;
        headers.CacheControl = "no-store";
        headers.XContentTypeOptions = "nosniff";
        headers.ContentSecurityPolicy = LivePages.IndexPolicy;
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["Referrer-Policy"] = "no-referrer";
    }

    private (int Status, string Sentence)? Refusal(HttpRequest request)
    {
        if (!address.Allows(request.Host.Host))
            return (StatusCodes.Status403Forbidden, $"This server does not answer under the name '{request.Host.Host}'; open it by its address.");
        if (!HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method))
        {
            request.HttpContext.Response.Headers.Allow = "GET, HEAD";
            return (StatusCodes.Status405MethodNotAllowed, "This server only shows; use GET.");
        }
        // Links from anywhere may lead here, but scripts and images of other sites get nothing.
        string site = request.Headers["Sec-Fetch-Site"].ToString();
        if (site is "cross-site" or "same-site" && request.Headers["Sec-Fetch-Mode"] != "navigate")
            return (StatusCodes.Status403Forbidden, "This server does not answer other sites.");
        return null;
    }

    private async Task AnswerAllowedAsync(HttpContext context)
    {
        string path = context.Request.Path.Value ?? "/";
        IReadOnlyList<(string Name, string Folder)> all = runs.All();
        switch (path)
        {
            case "/" when all.Count == 1:
                await SendRunsAsync(context, [all[0].Folder], hasIndex: false).ConfigureAwait(false);
                return;
            case "/":
                await SendAsync(context, Html, () => Encoding.UTF8.GetBytes(LivePages.Index(all))).ConfigureAwait(false);
                return;
            case "/compare" when all.Count > 0:
                await SendRunsAsync(context, [.. all.Select(run => run.Folder)], hasIndex: all.Count > 1).ConfigureAwait(false);
                return;
            case "/checkpoints":
                await SendAsync(context, Json, () => RunFiles.Checkpoints(all)).ConfigureAwait(false);
                return;
        }
        int slash = path.IndexOf('/', 1);
        string name = slash > 0 ? path[(slash + 1)..] : "";
        if (slash < 0 || all.FirstOrDefault(run => run.Name == name).Folder is not { } folder)
        {
            await SayAsync(context, StatusCodes.Status404NotFound, "There is no such run or page here; / shows what there is.").ConfigureAwait(false);
            return;
        }
        await AnswerAboutAsync(context, path[1..slash], folder, hasIndex: all.Count > 1).ConfigureAwait(false);
    }

    private async Task AnswerAboutAsync(HttpContext context, string what, string folder, bool hasIndex)
    {
        switch (what)
        {
            case "run":
                await SendRunsAsync(context, [folder], hasIndex).ConfigureAwait(false);
                break;
            case "data":
                await SendAsync(context, Json, () => LivePages.Data(folder)).ConfigureAwait(false);
                break;
            case "events":
                await StreamAsync(context, folder).ConfigureAwait(false);
                break;
            case "loss":
                await SendAsync(context, Json, () => RunFiles.Loss(folder)).ConfigureAwait(false);
                break;
            case "samples":
                await SendAsync(context, Json, () => RunFiles.Samples(folder)).ConfigureAwait(false);
                break;
            default:
                await SayAsync(context, StatusCodes.Status404NotFound, $"There is no '{what}' of a run here; / shows what there is.").ConfigureAwait(false);
                break;
        }
    }

    private Task SendRunsAsync(HttpContext context, IReadOnlyList<string> folders, bool hasIndex)
    {
        context.Response.Headers.ContentSecurityPolicy = LivePages.RunPolicy;
        return SendAsync(context, Html, () => Encoding.UTF8.GetBytes(LivePages.Runs(folders, MostLiveRuns, hasIndex)));
    }

    /// <summary>Sends what is read from files, for one request at a time.</summary>
    private async Task SendAsync(HttpContext context, string type, Func<byte[]> read)
    {
        byte[] body;
        await _reading.WaitAsync(context.RequestAborted).ConfigureAwait(false);
        try
        {
            body = read();
        }
        finally
        {
            _reading.Release();
        }
        await SendAsync(context, type, body).ConfigureAwait(false);
    }

    private async Task StreamAsync(HttpContext context, string folder)
    {
        if (Interlocked.Increment(ref _streams) > MaxStreams)
        {
            Interlocked.Decrement(ref _streams);
            context.Response.Headers.RetryAfter = "10";
            await SayAsync(
                context, StatusCodes.Status503ServiceUnavailable, $"{MaxStreams} pages are open already, as many as this server tells; close one.").ConfigureAwait(false);
            return;
        }
        try
        {
            context.Response.ContentType = "text/event-stream; charset=utf-8";
            if (HttpMethods.IsHead(context.Request.Method))
                return;
            IQueryCollection query = context.Request.Query;
            var stream = new EventStream(
                new FileTail(RunFiles.MetricsOf(folder)), new FileTail(RunFiles.GradientsOf(folder)), context.Response.BodyWriter, Patience);
            // A browser that reconnects by itself sends the header; a page that had closed its stream cannot.
            string? last = context.Request.Headers["Last-Event-ID"] is { Count: > 0 } header ? header : query["after"];
            bool knows = stream.Begin(string.IsNullOrEmpty(last) ? null : last, PositionOf(query["metrics"]), PositionOf(query["gradients"]));
            await stream.RunAsync(isReset: !knows, ending, context.RequestAborted).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _streams);
        }
    }

    /// <returns>Null when nothing is said; what is said but is no number is no place in any file.</returns>
    private static long? PositionOf(string? text) =>
        string.IsNullOrEmpty(text) ? null : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long position) ? position : -1;

    private static async Task SendAsync(HttpContext context, string type, byte[] body)
    {
        context.Response.ContentType = type;
        context.Response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
            await context.Response.Body.WriteAsync(body, context.RequestAborted).ConfigureAwait(false);
    }

    private static Task SayAsync(HttpContext context, int status, string sentence)
    {
        context.Response.StatusCode = status;
        return SendAsync(context, Text, Encoding.UTF8.GetBytes(sentence + "\n"));
    }

    /// <summary>Tells the user once, since a defect comes back with every request, and the client if it can still be told.</summary>
    private async Task FailAsync(HttpContext context, Exception exception)
    {
        if (Interlocked.Exchange(ref _hasFailed, 1) == 0)
            note($"The live page could not answer {context.Request.Path} ({exception.Message}); further such failures are not told.");
        if (context.Response.HasStarted)
        {
            context.Abort();
            return;
        }
        try
        {
            context.Response.Clear();
            SetHeaders(context.Response);
            await SayAsync(context, StatusCodes.Status500InternalServerError, $"That did not work: {exception.Message}").ConfigureAwait(false);
        }
        catch (Exception)
        {
            context.Abort();
        }
    }
}
