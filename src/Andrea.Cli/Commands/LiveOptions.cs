using System.CommandLine;
using System.Globalization;
using Andrea.Cli.Live;

namespace Andrea.Cli.Commands;

/// <summary>The options that say where a live page is served.</summary>
/// <param name="port">Name of the option that chooses the port.</param>
/// <param name="host">Name of the option that chooses the address.</param>
/// <param name="isSwitch">Whether it is only served where the first option is given, alone or with a port.</param>
internal sealed class LiveOptions(string port, string host, bool isSwitch)
{
    private readonly Option<int?> _port = new(port)
    {
        Description = (isSwitch ? "Shows the run in a page for browsers on this machine while it goes on" : "Port of the page")
            + $" (default: {(isSwitch ? "no page; " : "")}port {LiveServer.DefaultPort} or the next free one).",
        HelpName = "PORT",
        Arity = isSwitch ? ArgumentArity.ZeroOrOne : ArgumentArity.ExactlyOne,
        CustomParser = result =>
        {
            if (result.Tokens.Count == 0)
                return null;
            string text = result.Tokens[0].Value;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value <= ushort.MaxValue)
                return value;
            result.AddError($"'{text}' is not a value of {port}; expected a port from 1 to {ushort.MaxValue}, or 0 for any that is free");
            return null;
        },
    };

    private readonly Option<LiveAddress?> _host = new(host)
    {
        Description = "Address that the page is served at, 0.0.0.0 for all of this machine's; others can then read it (default: 127.0.0.1).",
        HelpName = "ADDRESS",
        Arity = ArgumentArity.ExactlyOne,
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            LiveAddress? address = LiveAddress.TryParse(text);
            if (address is null)
                result.AddError($"'{text}' is not a value of {host}; expected an address of this machine, such as 127.0.0.1 or 0.0.0.0");
            return address;
        },
    };

    public void AddTo(Command command)
    {
        command.Add(_port);
        command.Add(_host);
    }

    /// <summary>Whether a page was asked for.</summary>
    /// <exception cref="UsageException">Only its address was given.</exception>
    public bool IsWanted(ParseResult parsed)
    {
        bool isWanted = !isSwitch || parsed.GetResult(_port) is { Implicit: false };
        if (!isWanted && parsed.GetResult(_host) is { Implicit: false })
            throw new UsageException($"{host} says where a live page is served, so it needs {port}; give both.");
        return isWanted;
    }

    /// <summary>Begins to serve.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="runs">What to show.</param>
    /// <param name="terminal">Is told when others can read along.</param>
    /// <param name="note">Is told what goes wrong later on; from any thread.</param>
    public async Task<LiveServer> StartAsync(ParseResult parsed, RunList runs, Terminal terminal, Action<string> note)
    {
        LiveAddress address = parsed.GetValue(_host) ?? LiveAddress.Loopback;
        LiveServer server = await LiveServer.StartAsync(runs, address, parsed.GetValue(_port), port, note).ConfigureAwait(false);
        if (!address.IsLoopback)
            ErrorReport.Note(
                $"Everyone who reaches port {server.Port} of this machine can read the run, its samples and its options; without {host} only this machine can.",
                terminal);
        return server;
    }
}
