using System.Reflection;
using System.Runtime.CompilerServices;
using System.Xml.Linq;

namespace Andrea.Tests.Conventions;

/// <summary>What the documentation of an assembly's public members must say, read off the file that the compiler writes beside the assembly.</summary>
/// <remarks>Left out is what the compiler writes itself, members whose text is inherited, and those that .NET says all about: equality, hashing, ToString
/// and Dispose. Of an interface only the results are asked for: what is thrown depends on who implements it.</remarks>
internal sealed class DocumentationRules(Assembly assembly, XDocument documentation)
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly string[] SaidByDotNet = ["Equals", "GetHashCode", "ToString", "Dispose"];

    private readonly Dictionary<string, XElement> _texts = documentation.Descendants("member").ToDictionary(member => member.Attribute("name")!.Value);

    /// <summary>Public methods that return something and do not say what.</summary>
    public IEnumerable<string> MethodsWithoutReturns() =>
        from method in Methods().OfType<MethodInfo>()
        where method.ReturnType != typeof(void) && method.ReturnType != typeof(Task)
        where IsSilent(method, "returns")
        select DocumentationId.Of(method);

    /// <summary>Public methods and constructors that name no exception.</summary>
    public IEnumerable<string> MethodsWithoutExceptions() =>
        from method in Methods()
        where !method.DeclaringType!.IsInterface && IsSilent(method, "exception")
        select DocumentationId.Of(method);

    /// <summary>Links from public documentation to what a user of the assembly cannot see.</summary>
    public IEnumerable<string> LinksToHiddenMembers()
    {
        HashSet<string> visible = [.. assembly.GetExportedTypes().SelectMany(type => type.GetMembers(Declared).Where(IsVisible).Prepend(type)).Select(DocumentationId.Of)];
        return
            from text in _texts
            where visible.Contains(text.Key)
            from link in text.Value.Descendants().Attributes("cref")
            where _texts.ContainsKey(link.Value) && !visible.Contains(link.Value)
            select $"{text.Key} links to {link.Value}";
    }

    private IEnumerable<MethodBase> Methods() =>
        from type in assembly.GetExportedTypes()
        where !type.IsEnum && !type.IsSubclassOf(typeof(Delegate))
        from method in type.GetMembers(Declared).OfType<MethodBase>()
        where IsVisible(method) && (!method.IsSpecialName || method.IsConstructor || method.Name.StartsWith("op_", StringComparison.Ordinal))
        where !SaidByDotNet.Contains(method.Name) && !method.IsDefined(typeof(CompilerGeneratedAttribute)) && !IsOfRecord(method, type)
        orderby type.FullName, method.Name, method.GetParameters().Length
        select method;

    /// <summary>True for a member that has no such element; a constructor that nobody wrote has no text at all.</summary>
    private bool IsSilent(MethodBase method, string element) =>
        _texts.TryGetValue(DocumentationId.Of(method), out XElement? text)
            ? text.Element(element) is null && text.Element("inheritdoc") is null
            : !(method.IsConstructor && method.GetParameters().Length == 0);

    private static bool IsVisible(MemberInfo member) => member switch
    {
        MethodBase method => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly,
        PropertyInfo property => property.GetAccessors(nonPublic: true).Any(IsVisible),
        FieldInfo field => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly,
        EventInfo { AddMethod: { } add } => IsVisible(add),
        _ => false,
    };

    /// <summary>What the compiler writes for a record without marking it: constructors and deconstruction. Its properties check what they are given.</summary>
    private static bool IsOfRecord(MethodBase method, Type type) =>
        type.GetMethod("PrintMembers", Declared) is { } print && print.IsDefined(typeof(CompilerGeneratedAttribute))
        && (method.IsConstructor || method.Name == "Deconstruct");
}
