using System.Text;

namespace Andrea.Data;

/// <summary>UTF-8 of .NET strings, without the silent replacement of invalid characters that Encoding.UTF8 does.</summary>
internal static class Utf8Text
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static byte[] Of(string text, string document)
    {
        ArgumentNullException.ThrowIfNull(text);
        try
        {
            return Strict.GetBytes(text);
        }
        catch (EncoderFallbackException exception)
        {
            throw InvalidTextException.LoneSurrogate(document, exception.CharUnknown, exception.Index);
        }
    }
}
