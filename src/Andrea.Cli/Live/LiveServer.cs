using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Andrea.Cli.Live;

/// <summary>Serves the live page of runs over HTTP until it is disposed.</summary>
internal sealed class LiveServer : IAsyncDisposable
{
    /// <summary>Where it is served when nothing else is asked for, or on the next free port after it.</summary>
    public const int DefaultPort = 8420;

    private const int PortsToTry = 20;

    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(2);

    private readonly WebApplication _app;
    private readonly CancellationTokenSource _ending;
    private readonly LiveAddress _address;

    private LiveServer(WebApplication app, LiveSite site, CancellationTokenSource ending, LiveAddress address, int port)
    {
        _app = app;
        Site = site;
        _ending = ending;
        _address = address;
        Port = port;
    }

    public int Port { get; }

    /// <summary>For a person to open.</summary>
    public string Url => _address.UrlOf(Port);

    internal LiveSite Site { get; }

    /// <summary>Begins to serve.</summary>
    /// <param name="runs">What to show.</param>
    /// <param name="address">Where.</param>
    /// <param name="port">The port; null takes the default one or the next that is free, 0 any.</param>
    /// <param name="option">Name of the option that chooses a port, for an error.</param>
    /// <param name="note">Tells the user what goes wrong later on; from any thread.</param>
    /// <param name="patience">How long a client may take none of what it was sent; null for the usual time.</param>
    /// <exception cref="CommandException">The port is in use, or may not be used.</exception>
    public static async Task<LiveServer> StartAsync(
        RunList runs, LiveAddress address, int? port, string option, Action<string> note, TimeSpan? patience = null)
    {
        int first = port ?? DefaultPort;
        for (int candidate = first; ; candidate++)
        {
            try
            {
                return await StartAsync(runs, address, candidate, note, patience).ConfigureAwait(false);
            }
            catch (Exception exception) when (IsInUse(exception) && port is null && candidate < first + PortsToTry - 1)
            {
                // The next one, then.
            }
            catch (Exception exception) when (exception is IOException or SocketException)
            {
                string what = IsInUse(exception)
                    ? port is null ? $"Ports {first} to {candidate} are all in use" : $"Port {candidate} is in use already"
                    : $"Port {candidate} of {address.Address} cannot be used ({(exception.InnerException ?? exception).Message.TrimEnd('.')})";
                throw new CommandException($"{what}; choose another with {option}, or 0 for any that is free.");
            }
        }
    }

    /// <summary>Tells clients what is still in the files, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        using (var limit = new CancellationTokenSource(Farewell))
            await _app.StopAsync(limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _app.DisposeAsync().ConfigureAwait(false);
        Site.Dispose();
        _ending.Dispose();
    }

    private static async Task<LiveServer> StartAsync(RunList runs, LiveAddress address, int port, Action<string> note, TimeSpan? patience)
    {
        // Empty, so that no environment variable and no appsettings.json of the folder that Andrea is started in can open another port.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Limits.MaxRequestBodySize = 0;
            options.Limits.MaxConcurrentConnections = 128;
            options.Listen(address.Address, port, listen => listen.Protocols = HttpProtocols.Http1);
        });
        // That of .NET takes signals for itself.
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        WebApplication app = builder.Build();
        var ending = new CancellationTokenSource();
        var site = patience is { } limit
            ? new LiveSite(runs, address, note, ending.Token) { Patience = limit }
            : new LiveSite(runs, address, note, ending.Token);
        app.Run(site.AnswerAsync);
        try
        {
            await app.StartAsync().ConfigureAwait(false);
            string bound = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
            return new LiveServer(app, site, ending, address, new Uri(bound).Port);
        }
        catch
        {
            await app.DisposeAsync().ConfigureAwait(false);
            site.Dispose();
            ending.Dispose();
            throw;
        }
    }

    private static bool IsInUse(Exception exception) =>
        exception is AddressInUseException || (exception.InnerException is { } inner && IsInUse(inner));

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
