using Deepseek.Inference.Chat;
using Deepseek.Inference.Generation;

namespace Deepseek.Inference.Server.Replies;

/// <summary>Why a reply ended, in OpenAI's words.</summary>
internal static class FinishReasons
{
    public static string Of(TextCompletion completion) => completion.FinishReason switch
    {
        FinishReason.Length => "length",
        _ when completion.ToolCalls.Count > 0 => "tool_calls",
        _ => "stop",
    };
}
