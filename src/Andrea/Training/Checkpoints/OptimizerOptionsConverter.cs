using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Andrea.Optim;

namespace Andrea.Training.Checkpoints;

/// <summary>Writes which optimizer options are of; takes those that do not say it, of checkpoints from before there was a choice, for AdamW's.</summary>
internal sealed class OptimizerOptionsConverter : JsonConverter<OptimizerOptions>
{
    private const string Kind = "kind", AdamW = "adamw", SoftSign = "s3";

    public override OptimizerOptions Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        JsonElement element = JsonElement.ParseValue(ref reader);
        string? kind = element.ValueKind == JsonValueKind.Object && element.TryGetProperty(Kind, out JsonElement text) ? text.ToString() : AdamW;
        OptimizerOptions? read = kind switch
        {
            AdamW => element.Deserialize(TypeOf<AdamWOptions>(options)),
            SoftSign => element.Deserialize(TypeOf<SoftSignOptions>(options)),
            _ => throw new CheckpointFormatException(
                $"The training options name the optimizer '{kind}'; this version of Andrea knows '{AdamW}' and '{SoftSign}'. Read them with the version that wrote them."),
        };
        return read ?? throw new JsonException("The options of the optimizer are null.");
    }

    public override void Write(Utf8JsonWriter writer, OptimizerOptions value, JsonSerializerOptions options)
    {
        (string kind, JsonElement element) = value switch
        {
            AdamWOptions adamW => (AdamW, JsonSerializer.SerializeToElement(adamW, TypeOf<AdamWOptions>(options))),
            SoftSignOptions softSign => (SoftSign, JsonSerializer.SerializeToElement(softSign, TypeOf<SoftSignOptions>(options))),
            _ => throw new JsonException($"No name is known for an optimizer with options of type {value.GetType().Name}."),
        };
        writer.WriteStartObject();
        writer.WriteString(Kind, kind);
        foreach (JsonProperty property in element.EnumerateObject())
            property.WriteTo(writer);
        writer.WriteEndObject();
    }

    private static JsonTypeInfo<T> TypeOf<T>(JsonSerializerOptions options) => (JsonTypeInfo<T>)options.GetTypeInfo(typeof(T));
}
