using System.Net;

namespace Andrea.Cli.Live;

/// <summary>Where a live page is served, and under which names it may be asked for.</summary>
/// <remarks>
/// A browser can be led to a server on its own machine by a foreign name that resolves to 127.0.0.1 (DNS rebinding); the page behind that
/// name could then read everything. So requests are answered only under names that nobody else can own: addresses, and the machine's own.
/// </remarks>
internal sealed class LiveAddress
{
    /// <summary>Where nothing else is asked for: this machine only.</summary>
    public static LiveAddress Loopback { get; } = new(IPAddress.Loopback);

    private LiveAddress(IPAddress address) => Address = address;

    public IPAddress Address { get; }

    /// <summary>Whether only this machine can reach it.</summary>
    public bool IsLoopback => IPAddress.IsLoopback(Address);

    private bool IsWildcard => Address.Equals(IPAddress.Any) || Address.Equals(IPAddress.IPv6Any);

    /// <summary>Reads an address; null for what is none.</summary>
    public static LiveAddress? TryParse(string text) =>
        text.Equals("localhost", StringComparison.OrdinalIgnoreCase) ? Loopback
        // Not everything that .NET takes for an address, such as "1".
        : IPAddress.TryParse(text, out IPAddress? address) && (text.Contains(':', StringComparison.Ordinal) || text.Count(c => c == '.') == 3)
            ? new LiveAddress(address) : null;

    /// <summary>For a person to open.</summary>
    public string UrlOf(int port)
    {
        string host = IsWildcard ? Environment.MachineName.ToLowerInvariant()
            : Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{Address}]" : Address.ToString();
        return FormattableString.Invariant($"http://{host}:{port}/");
    }

    /// <summary>Whether a request may be answered that names this host.</summary>
    /// <param name="host">The Host header without its port.</param>
    public bool Allows(string host)
    {
        if (host.Equals("localhost", StringComparison.OrdinalIgnoreCase))
            return true;
        if (IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? address))
            return IsWildcard || address.Equals(IPAddress.Loopback) || address.Equals(IPAddress.IPv6Loopback) || address.Equals(Address);
        return !IsLoopback && host.Equals(Environment.MachineName, StringComparison.OrdinalIgnoreCase);
    }
}
