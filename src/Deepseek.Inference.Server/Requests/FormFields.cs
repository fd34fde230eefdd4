using System.Text.Json;
using Deepseek.Inference.Chat;

namespace Deepseek.Inference.Server.Requests;

/// <summary>Reads what form a reply must have: <c>tools</c>, <c>tool_choice</c> and <c>response_format</c>.</summary>
/// <param name="Tools">The tools that the model is offered; null for none.</param>
/// <param name="Constraint">The form; null for none.</param>
internal sealed record FormFields(JsonElement? Tools, TextConstraint? Constraint)
{
    private const int MaxTools = 128;

    public static FormFields Read(JsonFields fields)
    {
        var tools = ReadTools(fields);
        var parallel = fields.Flag("parallel_tool_calls") ?? true;
        var (choice, function) = ReadChoice(fields, tools);
        var format = ReadFormat(fields);
        if (choice is "required" or "function")
        {
            if (format is not null)
                throw ApiException.BadRequest("response_format and tool_choice both force a form; a reply has one. Leave one of them out.", "response_format");
            return new FormFields(tools, Calls(tools!.Value, function, parallel));
        }

        // Malformed tools shall not wait for a reply that calls them.
        if (tools is { } offered && choice != "none")
            _ = Calls(offered, null, parallel);
        return new FormFields(choice == "none" ? null : tools, format);
    }

    private static JsonElement? ReadTools(JsonFields fields)
    {
        const string Expected = "an array of tools such as {\"type\": \"function\", \"function\": {\"name\": \"f\", \"parameters\": {\"type\": \"object\"}}}";
        if (fields.List("tools", Expected) is not { } tools || tools.GetArrayLength() == 0)
            return null;
        return tools.GetArrayLength() <= MaxTools ? tools.Clone() : throw JsonFields.Wrong("tools", tools, FormattableString.Invariant($"at most {MaxTools} tools"));
    }

    /// <summary>The word of <c>tool_choice</c>, and the function's name where it names one.</summary>
    private static (string Choice, string? Function) ReadChoice(JsonFields fields, JsonElement? tools)
    {
        const string Expected = "none, auto, required, or an object such as {\"type\": \"function\", \"function\": {\"name\": \"f\"}}";
        if (fields.Find("tool_choice") is not { } choice)
            return ("auto", null);
        var (word, name) = choice.ValueKind switch
        {
            JsonValueKind.String when choice.GetString() is "none" or "auto" or "required" => (choice.GetString()!, null),
            JsonValueKind.Object => ("function", new JsonFields(choice, "tool_choice").Object("function", "an object with name")?.Text("name") ?? throw JsonFields.Wrong("tool_choice.function.name", null, "a function's name")),
            _ => throw JsonFields.Wrong("tool_choice", choice, Expected),
        };
        if (word is "required" or "function" && tools is null)
            throw ApiException.BadRequest("tool_choice asks for a call, and there are no tools; give tools, or leave tool_choice out.", "tool_choice");
        return (word, name);
    }

    private static TextConstraint? ReadFormat(JsonFields fields)
    {
        const string Expected = "text, json_object or json_schema";
        if (fields.Object("response_format", "an object such as {\"type\": \"json_object\"}") is not { } format)
            return null;
        switch (format.Text("type", Expected))
        {
            case "text":
                return null;
            case "json_object":
                return Made("response_format", "object", TextConstraint.JsonObject);
            case "json_schema":
                var schema = format.Object("json_schema", "an object with name and schema") ?? throw JsonFields.Wrong("response_format.json_schema", null, "an object with name and schema");
                _ = schema.Text("name");
                _ = schema.Flag("strict");
                var found = schema.Find("schema") ?? throw JsonFields.Wrong(schema.PathOf("schema"), null, "a JSON schema");
                return Made(schema.PathOf("schema"), $"schema {found.GetRawText()}", () => TextConstraint.JsonSchema(found));
            default:
                throw JsonFields.Wrong("response_format.type", format.Find("type"), Expected);
        }
    }

    private static TextConstraint Calls(JsonElement tools, string? function, bool parallel) =>
        Made("tools", $"calls {parallel} {function} {tools.GetRawText()}", () => TextConstraint.ToolCalls(tools, function, parallel));

    private static TextConstraint Made(string param, string form, Func<TextConstraint> make)
    {
        try
        {
            return ConstraintCache.Get(form, make);
        }
        catch (ArgumentException fault)
        {
            throw ApiException.BadRequest(fault, param, param == "tools" ? "invalid_tools" : "unsupported_schema");
        }
    }
}
