using Deepseek.Inference.Chat;

namespace Deepseek.Inference.Server.Replies;

/// <summary>One reply of a response, before it is generated.</summary>
/// <param name="Prompt">What it continues.</param>
/// <param name="Options">How.</param>
internal sealed record Choice(TextPrompt Prompt, TextOptions Options);
