using System.Text.Json.Serialization;
using Andrea.Monitoring;
using Andrea.Monitoring.Diagnosis;

namespace Andrea.Reporting;

/// <summary>Default settings in the form of run.json, so that a page can tell what was changed.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UseStringEnumConverter = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(GradientMonitorOptions))]
[JsonSerializable(typeof(GradientDiagnosisOptions))]
internal sealed partial class SettingsJson : JsonSerializerContext;
