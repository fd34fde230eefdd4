using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Deepseek.Inference.Chat;

/// <summary>Functions on offer, as chat templates read them: OpenAI's JSON.</summary>
internal static class OfferedTools
{
    /// <summary>The JSON array of tools; null for none.</summary>
    /// <exception cref="ArgumentException">A tool is no function.</exception>
    public static JsonElement? Of(IEnumerable<AITool>? tools)
    {
        var functions = (tools ?? []).Select(Function).ToArray();
        return functions.Length == 0 ? null : JsonSerializer.SerializeToElement(functions);
    }

    private static object Function(AITool tool) => tool is AIFunctionDeclaration function
        ? new { type = "function", function = new { name = function.Name, description = function.Description, parameters = function.JsonSchema } }
        : throw new ArgumentException($"The tool {tool.Name} is a {tool.GetType().Name}; a local model can be offered functions (AIFunction) alone.", nameof(tool));
}
