using System.Text.RegularExpressions;

namespace Deepseek.Inference.Tokenization;

/// <summary>How a model writes a call of a tool.</summary>
internal enum ToolCallForm
{
    /// <summary>V3 and R1: the kind, the name, and the arguments in a fence.</summary>
    Typed,

    /// <summary>V3.1: the name and the arguments.</summary>
    Named,

    /// <summary>V3.2: markup named function_calls, a tag for each argument.</summary>
    FunctionCalls,

    /// <summary>V4: the same markup, named tool_calls.</summary>
    ToolCalls,
}

/// <summary>Finds a model's form, and tells what its template does for it.</summary>
internal static partial class ToolCallForms
{
    /// <summary>The form that a chat template writes; V3's where it writes none.</summary>
    public static ToolCallForm Of(string? template)
    {
        if (template is null)
            return ToolCallForm.Typed;
        if (template.Contains(ToolCallMarks.Dsml, StringComparison.Ordinal))
            return template.Contains("function_calls>", StringComparison.Ordinal) ? ToolCallForm.FunctionCalls : ToolCallForm.ToolCalls;
        return template.Contains(ToolCallMarks.Separator, StringComparison.Ordinal) && !template.Contains("```json", StringComparison.Ordinal) ? ToolCallForm.Named : ToolCallForm.Typed;
    }

    /// <summary>Whether a template tells the model which tools there are.</summary>
    public static bool DescribesTools(string template) => Tools().IsMatch(template);

    /// <summary>Whether a template shows earlier calls and what they brought.</summary>
    public static bool ShowsCalls(string template) => template.Contains("tool_calls", StringComparison.Ordinal);

    /// <summary>Whether the form is V3.2's markup.</summary>
    public static bool IsMarkup(this ToolCallForm form) => form is ToolCallForm.FunctionCalls or ToolCallForm.ToolCalls;

    /// <summary>The name of the markup's outer tag.</summary>
    public static string MarkupName(this ToolCallForm form) => form == ToolCallForm.FunctionCalls ? "function_calls" : "tool_calls";

    [GeneratedRegex(@"\btools\b")]
    private static partial Regex Tools();
}
