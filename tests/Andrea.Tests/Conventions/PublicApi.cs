using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace Andrea.Tests.Conventions;

/// <summary>An assembly's public surface as text that reads like C#, one line a member, in an order that does not depend on the compiler.</summary>
/// <remarks>Left out is what the compiler writes for every record: equality, hashing, printing, deconstruction, cloning.</remarks>
internal static class PublicApi
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<Type, string> Keywords = new()
    {
        [typeof(void)] = "void", [typeof(object)] = "object", [typeof(string)] = "string", [typeof(bool)] = "bool", [typeof(char)] = "char",
        [typeof(byte)] = "byte", [typeof(short)] = "short", [typeof(ushort)] = "ushort", [typeof(int)] = "int", [typeof(uint)] = "uint",
        [typeof(long)] = "long", [typeof(ulong)] = "ulong", [typeof(nint)] = "nint", [typeof(nuint)] = "nuint", [typeof(float)] = "float",
        [typeof(double)] = "double", [typeof(decimal)] = "decimal",
    };

    private static readonly NullabilityInfoContext Nullability = new();

    /// <summary>The text.</summary>
    public static string Of(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (IGrouping<string?, Type> space in assembly.GetExportedTypes().GroupBy(type => type.Namespace).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"namespace {space.Key}\n");
            foreach (Type type in space.OrderBy(NameOf, StringComparer.Ordinal))
            {
                text.Append(CultureInfo.InvariantCulture, $"\n    {Declaration(type)}\n");
                foreach (string member in Members(type))
                    text.Append(CultureInfo.InvariantCulture, $"        {member}\n");
            }
            text.Append('\n');
        }
        return text.ToString().TrimEnd('\n') + "\n";
    }

    private static string Declaration(Type type)
    {
        string kind = type switch
        {
            { IsEnum: true } => "enum",
            { IsInterface: true } => "interface",
            { IsValueType: true } => (IsReadOnly(type) ? "readonly " : "") + (IsRecord(type) ? "record struct" : "struct"),
            _ when type.IsSubclassOf(typeof(Delegate)) => "delegate",
            _ => (type is { IsAbstract: true, IsSealed: true } ? "static " : type.IsAbstract ? "abstract " : type.IsSealed ? "sealed " : "")
                + (IsRecord(type) ? "record" : "class"),
        };
        IEnumerable<Type> inherited = type.BaseType?.GetInterfaces() ?? [];
        List<string> bases = [.. type.GetInterfaces().Except(inherited).Where(i => i.IsPublic && !IsEquatable(i)).Select(NameOf).Order(StringComparer.Ordinal)];
        if (type.IsClass && type.BaseType is { } parent && parent != typeof(object) && parent != typeof(MulticastDelegate))
            bases.Insert(0, NameOf(parent));
        return $"{kind} {NameOf(type)}" + (type.IsEnum || bases.Count == 0 ? "" : " : " + string.Join(", ", bases)) + Constraints(type.GetGenericArguments());
    }

    private static IEnumerable<string> Members(Type type)
    {
        if (type.IsEnum)
            return type.GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => $"{field.Name} = {Value(field.GetRawConstantValue())}");
        if (type.IsSubclassOf(typeof(Delegate)))
            return [Method(type.GetMethod("Invoke")!)];
        return from member in type.GetMembers(Declared)
            where !IsCompilers(member, type)
            let text = Member(member)
            where text is not null
            orderby Rank(member), member.Name, text
            select text;
    }

    /// <summary>Fields and constants, then constructors, properties, events, methods.</summary>
    private static int Rank(MemberInfo member) => member switch
    {
        FieldInfo => 0,
        ConstructorInfo => 1,
        PropertyInfo => 2,
        EventInfo => 3,
        _ => 4,
    };

    private static string? Member(MemberInfo member) => member switch
    {
        ConstructorInfo c when IsVisible(c) && !c.IsStatic => $"{Access(c)}{NameOf(c.DeclaringType!)}({Parameters(c)})",
        MethodInfo m when IsVisible(m) && !m.IsSpecialName => Method(m),
        MethodInfo m when IsVisible(m) && m.Name.StartsWith("op_", StringComparison.Ordinal) => Method(m),
        PropertyInfo p when p.GetAccessors(nonPublic: true).Any(IsVisible) => Property(p),
        FieldInfo f when f.IsPublic || f.IsFamily => (f.IsLiteral ? "const " : f.IsStatic ? "static " : "")
            + $"{Typed(f.FieldType, Nullability.Create(f))} {f.Name}" + (f.IsLiteral ? $" = {Value(f.GetRawConstantValue())}" : ""),
        EventInfo e when IsVisible(e.AddMethod!) => $"event {NameOf(e.EventHandlerType!)} {e.Name}",
        _ => null,
    };

    private static string Property(PropertyInfo property)
    {
        MethodInfo any = property.GetAccessors(nonPublic: true).First(IsVisible);
        string get = property.GetMethod is { } getter && IsVisible(getter) ? "get; " : "";
        string set = property.SetMethod is not { } setter || !IsVisible(setter) ? ""
            : setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ? "init; " : "set; ";
        string required = property.IsDefined(typeof(RequiredMemberAttribute)) ? "required " : "";
        string name = property.GetIndexParameters().Length > 0 ? $"this[{string.Join(", ", property.GetIndexParameters().Select(Parameter))}]" : property.Name;
        return $"{Access(any)}{Modifiers(any)}{required}{Typed(property.PropertyType, Nullability.Create(property))} {name} {{ {get}{set}}}";
    }

    private static string Method(MethodInfo method)
    {
        string generic = method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(NameOf))}>" : "";
        return $"{Access(method)}{Modifiers(method)}{Typed(method.ReturnType, Nullability.Create(method.ReturnParameter))} {method.Name}{generic}({Parameters(method)})"
            + Constraints(method.GetGenericArguments());
    }

    private static string Parameters(MethodBase method) =>
        (method.IsDefined(typeof(ExtensionAttribute)) ? "this " : "") + string.Join(", ", method.GetParameters().Select(Parameter));

    private static string Parameter(ParameterInfo parameter)
    {
        string way = !parameter.ParameterType.IsByRef ? IsParams(parameter) ? "params " : "" : parameter.IsOut ? "out " : parameter.IsIn ? "in " : "ref ";
        string type = Typed(parameter.ParameterType, Nullability.Create(parameter));
        return $"{way}{type} {parameter.Name}" + (parameter.HasDefaultValue ? $" = {Value(parameter.DefaultValue)}" : "");
    }

    private static string Modifiers(MethodBase method) =>
        method.DeclaringType!.IsInterface ? ""
        : method.IsStatic ? "static "
        : method.IsAbstract ? "abstract "
        : method is MethodInfo info && (info.GetBaseDefinition() != info || info.IsDefined(typeof(PreserveBaseOverridesAttribute))) ? "override "
        : method is { IsVirtual: true, IsFinal: false } ? "virtual " : "";

    private static string Access(MethodBase method) => method.IsFamily || method.IsFamilyOrAssembly ? "protected " : "";

    private static string Value(object? value) => value switch
    {
        null => "default",
        string text => $"\"{text}\"",
        bool flag => flag ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    /// <summary>A type with its question marks, those of its arguments and elements included.</summary>
    private static string Typed(Type type, NullabilityInfo info)
    {
        if (type.IsByRef)
            return Typed(type.GetElementType()!, info);
        string name = NameOf(type);
        if (type.IsArray && info.ElementType is { } element)
            name = Typed(type.GetElementType()!, element) + "[]";
        else if (type.IsGenericType && Nullable.GetUnderlyingType(type) is null && info.GenericTypeArguments.Length == type.GetGenericArguments().Length)
            name = $"{name.Split('<')[0]}<{string.Join(", ", type.GetGenericArguments().Zip(info.GenericTypeArguments, Typed))}>";
        return name + Question(info);
    }

    private static string Constraints(Type[] arguments) => string.Concat(
        from argument in arguments
        where argument.IsGenericParameter
        let words = Constraints(argument)
        where words.Length > 0
        select $" where {argument.Name} : {string.Join(", ", words)}");

    private static string[] Constraints(Type argument)
    {
        GenericParameterAttributes flags = argument.GenericParameterAttributes;
        bool isStruct = flags.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint);
        bool isUnmanaged = argument.CustomAttributes.Any(attribute => attribute.AttributeType.Name == "IsUnmanagedAttribute");
        return
        [
            .. isUnmanaged ? ["unmanaged"] : isStruct ? ["struct"] : flags.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint) ? ["class"] : (string[])[],
            .. argument.GetGenericParameterConstraints().Where(type => type != typeof(ValueType)).Select(NameOf),
            .. flags.HasFlag(GenericParameterAttributes.DefaultConstructorConstraint) && !isStruct ? ["new()"] : (string[])[],
        ];
    }

    /// <summary>An unconstrained T may be null and says nothing about it.</summary>
    private static string Question(NullabilityInfo info) =>
        !info.Type.IsValueType && !(info.Type.GetElementType() ?? info.Type).IsGenericParameter && (info.ReadState == NullabilityState.Nullable || info.WriteState == NullabilityState.Nullable) ? "?" : "";

    private static string NameOf(Type type)
    {
        if (type.IsByRef)
            return NameOf(type.GetElementType()!);
        if (type.IsPointer)
            return NameOf(type.GetElementType()!) + "*";
        if (type.IsArray)
            return NameOf(type.GetElementType()!) + "[]";
        if (Nullable.GetUnderlyingType(type) is { } underlying)
            return NameOf(underlying) + "?";
        if (Keywords.TryGetValue(type, out string? keyword))
            return keyword;
        string name = type.Name.Split('`')[0];
        if (type.IsNested && !type.IsGenericParameter)
            name = $"{NameOf(type.DeclaringType!)}.{name}";
        return type.IsGenericType ? $"{name}<{string.Join(", ", type.GetGenericArguments().Select(NameOf))}>" : name;
    }

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static bool IsParams(ParameterInfo parameter) =>
        parameter.IsDefined(typeof(ParamArrayAttribute)) || parameter.IsDefined(typeof(ParamCollectionAttribute));

    private static bool IsReadOnly(Type type) => type.IsDefined(typeof(IsReadOnlyAttribute));

    private static bool IsRecord(Type type) =>
        type.GetMethod("PrintMembers", Declared) is { } print && print.IsDefined(typeof(CompilerGeneratedAttribute));

    private static bool IsEquatable(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IEquatable<>);

    /// <summary>What the compiler writes for a record.</summary>
    private static bool IsCompilers(MemberInfo member, Type type) =>
        IsRecord(type) && (member.IsDefined(typeof(CompilerGeneratedAttribute)) && member is MethodBase
            || member.Name is "EqualityContract" or "Deconstruct"
            || member is ConstructorInfo constructor && constructor.GetParameters() is [var only] && only.ParameterType == type);
}
