using System.Collections.Frozen;

namespace Andrea.Monitoring;

/// <summary>English words that any English text has many of: those that hold sentences together, and the commonest of the others.</summary>
internal static class CommonWords
{
    private const string List = """
        a an the this that these those some any no every each all both half either neither such what which who whom whose
        i me my mine we us our ours you your yours he him his she her hers it its they them their theirs myself himself herself itself themselves
        one two three four five six seven eight nine ten first second last next other another same own many much more most few less little least
        be am is are was were been being have has had having do does did done doing will would shall should can could may might must
        and or but nor so yet if then else than as because since until while when where why how whether though although unless
        of in on at by for with about against between into through during before after above below to from up down out off over under
        again further once here there around near along across behind beyond within without toward towards upon among inside outside
        not never always often sometimes soon now today just only also too very still even already almost quite rather perhaps maybe
        well back away together ever enough yes please
        say says said tell told ask asked go goes went gone going come came coming get got make made take took taken give gave given
        see saw seen look looked find found know knew known think thought want wanted need needed let keep kept put left
        use used work worked try tried help helped call called feel felt seem seemed turn turned begin began run ran stand stood hear heard
        live lived read write wrote show open close walk walked sit sat hold held bring brought like liked love play
        man woman men women boy girl child children people friend mother father brother sister family king
        day days night morning evening year years time times hour week home house door room water fire tree road river sea sun sky
        hand hands head eye eyes face heart life name word words thing things way place world land city town
        good great small big old new young long short high low little large right wrong best better true full dark light white black red
        """;

    private static readonly FrozenSet<string> Words =
        List.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> Lookup = Words.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>Whether a word in lower case is one of them.</summary>
    public static bool Contains(ReadOnlySpan<char> word) => Lookup.Contains(word);
}
