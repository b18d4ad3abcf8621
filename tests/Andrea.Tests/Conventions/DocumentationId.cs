using System.Reflection;

namespace Andrea.Tests.Conventions;

/// <summary>The name by which a compiler's documentation file calls a member: M:Andrea.Device.Cpu(System.Int32).</summary>
internal static class DocumentationId
{
    /// <summary>The name of a type, method, constructor, property, field or event.</summary>
    public static string Of(MemberInfo member) => member switch
    {
        Type type => "T:" + Plain(type),
        MethodBase method => "M:" + In(method) + Generic(method) + Parameters(method.GetParameters()) + Result(method),
        PropertyInfo property => "P:" + In(property) + Parameters(property.GetIndexParameters()),
        FieldInfo field => "F:" + In(field),
        EventInfo @event => "E:" + In(@event),
        _ => throw new ArgumentException($"{member} is of no documented kind.", nameof(member)),
    };

    private static string In(MemberInfo member) => $"{Plain(member.DeclaringType!)}.{member.Name.Replace('.', '#')}";

    private static string Generic(MethodBase method) => method.IsGenericMethod ? $"``{method.GetGenericArguments().Length}" : "";

    private static string Parameters(ParameterInfo[] parameters) =>
        parameters.Length == 0 ? "" : $"({string.Join(',', parameters.Select(parameter => Name(parameter.ParameterType)))})";

    /// <summary>Conversions differ in what they return.</summary>
    private static string Result(MethodBase method) =>
        method is MethodInfo { Name: "op_Implicit" or "op_Explicit" } conversion ? "~" + Name(conversion.ReturnType) : "";

    private static string Name(Type type) => type switch
    {
        { IsByRef: true } => Name(type.GetElementType()!) + "@",
        { IsPointer: true } => Name(type.GetElementType()!) + "*",
        { IsSZArray: true } => Name(type.GetElementType()!) + "[]",
        { IsGenericMethodParameter: true } => $"``{type.GenericParameterPosition}",
        { IsGenericParameter: true } => $"`{type.GenericParameterPosition}",
        { IsGenericType: true } => $"{Plain(type.GetGenericTypeDefinition()).Split('`')[0]}{{{string.Join(',', type.GetGenericArguments().Select(Name))}}}",
        _ => Plain(type),
    };

    private static string Plain(Type type) => type.FullName!.Replace('+', '.');
}
