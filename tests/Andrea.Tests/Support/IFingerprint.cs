namespace Andrea.Tests.Support;

/// <summary>Something that can be computed again in another process and must give the same bits there.</summary>
/// <remarks>The implementing class needs no instance and must not depend on the state of the test run.</remarks>
internal interface IFingerprint
{
    /// <summary>Computes results and returns their digest, see <see cref="BitDigest"/>; text of one or several lines.</summary>
    static abstract string Fingerprint();
}
