using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Andrea.Cli;

/// <summary>Standard output for text without end. That of .NET keeps silent when nobody reads it any more; this one throws.</summary>
internal static class StandardOutput
{
    /// <summary>What an <see cref="IOException"/> has as its HResult when the reader of a pipe is gone: EPIPE.</summary>
    public const int BrokenPipe = 32;

    private const int Descriptor = 1;

    /// <summary>Opens it; gives the usual one where that is no pipe, or on Windows.</summary>
    public static TextWriter Open()
    {
        if (OperatingSystem.IsWindows() || !Console.IsOutputRedirected)
            return Console.Out;
        try
        {
            var stream = new FileStream(new SafeFileHandle(Descriptor, ownsHandle: false), FileAccess.Write, bufferSize: 0);
            // In a file, a stream of its own would not move the place where others go on writing.
            return stream.CanSeek ? Console.Out : new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        }
        catch (Exception exception) when (exception is IOException or ArgumentException or UnauthorizedAccessException)
        {
            return Console.Out;
        }
    }
}
