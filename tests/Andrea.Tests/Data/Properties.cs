using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Andrea.Tests.Data;

/// <summary>FsCheck with a fixed seed, so that a failure is the same everywhere and every time.</summary>
internal static class Properties
{
    /// <summary>Text of characters whose UTF-8 has one, two, three and four bytes, all about equally often; may be empty.</summary>
    public static Arbitrary<string> Texts => Gen.OneOf(
            Gen.Choose(0, 0x7F), Gen.Choose(0x80, 0x7FF), Gen.Choose(0x800, 0xD7FF), Gen.Choose(0xE000, 0xFFFF), Gen.Choose(0x10000, 0x10FFFF))
        .ArrayOf()
        .Select(values => string.Concat(values.Select(value => new Rune(value).ToString())))
        .ToArbitrary();

    public static Arbitrary<byte[]> Bytes => Gen.Choose(0, 255).Select(value => (byte)value).ArrayOf().ToArbitrary();

    public static void Hold<T>(Arbitrary<T> inputs, Action<T> check) =>
        Check.One(Config.QuickThrowOnFailure.WithQuietOnSuccess(true).WithMaxTest(200).WithReplay(20240607, 1), Prop.ForAll(inputs, check));
}
