using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Deepseek.Inference.Tokenization;

/// <summary>The marks of a form, and how the text of one call is read.</summary>
/// <param name="Begin">Before all calls.</param>
/// <param name="Open">Before one call.</param>
/// <param name="Close">After one call.</param>
/// <param name="End">After all calls.</param>
/// <param name="SwallowsNewlines">Whether newlines before the block belong to it.</param>
internal abstract record ToolCallReader(string Begin, string Open, string Close, string End, bool SwallowsNewlines)
{
    /// <summary>The reader of a form.</summary>
    public static ToolCallReader Of(ToolCallForm form) => form.IsMarkup() ? new MarkupCallReader(form.MarkupName()) : new JsonCallReader();

    /// <summary>Reads what lies between <see cref="Open"/> and <see cref="Close"/>; null where it is no call.</summary>
    public abstract ToolCall? Read(string body);
}

/// <summary>The forms of V3, R1 and V3.1: arguments as one JSON object.</summary>
internal sealed record JsonCallReader() : ToolCallReader(ToolCallMarks.CallsBegin, ToolCallMarks.CallBegin, ToolCallMarks.CallEnd, ToolCallMarks.CallsEnd, SwallowsNewlines: false)
{
    private const string Fence = "```";

    public override ToolCall? Read(string body)
    {
        if (body.Split(ToolCallMarks.Separator, 2) is not [var left, var right])
            return null;
        var name = left.Trim();
        if (!right.AsSpan().TrimStart().StartsWith("{") && !right.AsSpan().TrimStart().StartsWith("\""))
        {
            // V3's form: what stands before the separator is the kind of call.
            if (right.Split('\n', 2) is not [var first, var rest])
                return null;
            (name, right) = (first.Trim(), rest);
        }

        return name.Length > 0 && Arguments(Unfenced(right.Trim())) is { } arguments ? new ToolCall(name, arguments) : null;
    }

    private static string Unfenced(string text)
    {
        if (text.Length < 2 * Fence.Length || !text.StartsWith(Fence, StringComparison.Ordinal) || !text.EndsWith(Fence, StringComparison.Ordinal))
            return text;
        var inner = text[Fence.Length..^Fence.Length];
        return (inner.StartsWith("json", StringComparison.Ordinal) ? inner[4..] : inner).Trim();
    }

    /// <summary>The text of a JSON object, which some templates write as a string of JSON.</summary>
    private static string? Arguments(string text)
    {
        try
        {
            using var json = JsonDocument.Parse(text);
            return json.RootElement.ValueKind switch
            {
                JsonValueKind.Object => text,
                JsonValueKind.String when json.RootElement.GetString() is { } inner && inner.AsSpan().TrimStart().StartsWith("{") => Arguments(inner),
                _ => null,
            };
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return null; // the latter: half of a surrogate pair
        }
    }
}

/// <summary>The form of V3.2 and V4: a tag for each argument.</summary>
internal sealed record MarkupCallReader(string Name) : ToolCallReader(
    $"<{ToolCallMarks.Dsml}{Name}>", $"<{ToolCallMarks.Dsml}invoke name=\"", $"</{ToolCallMarks.Dsml}invoke>", $"</{ToolCallMarks.Dsml}{Name}>", SwallowsNewlines: true)
{
    private const string Parameter = $"<{ToolCallMarks.Dsml}parameter name=\"";
    private const string ParameterEnd = $"</{ToolCallMarks.Dsml}parameter>";

    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public override ToolCall? Read(string body)
    {
        if (body.Split("\">", 2) is not [{ Length: > 0 } name, var rest])
            return null;
        using var bytes = new MemoryStream();
        using (var writer = new Utf8JsonWriter(bytes, Relaxed))
        {
            writer.WriteStartObject();
            while ((rest = rest.TrimStart()).Length > 0)
            {
                if (!TryParameter(ref rest, writer))
                    return null;
            }

            writer.WriteEndObject();
        }

        return new ToolCall(name, Encoding.UTF8.GetString(bytes.ToArray()));
    }

    private static bool TryParameter(ref string text, Utf8JsonWriter writer)
    {
        if (!text.StartsWith(Parameter, StringComparison.Ordinal)
            || text[Parameter.Length..].Split(ParameterEnd, 2) is not [var tag, var rest]
            || tag.Split("\" string=\"", 2) is not [var name, var typed]
            || typed.Split("\">", 2) is not [var isString, var value])
        {
            return false;
        }

        text = rest;
        if (isString == "true")
        {
            writer.WriteString(name, value);
            return true;
        }

        try
        {
            using var json = JsonDocument.Parse(value);
            writer.WritePropertyName(name);
            json.RootElement.WriteTo(writer);
            return true;
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return false;
        }
    }
}
