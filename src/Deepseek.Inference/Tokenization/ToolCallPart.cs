namespace Deepseek.Inference.Tokenization;

/// <summary>A piece of a reply: text, or a call.</summary>
/// <param name="Text">The text; empty where the piece is a call.</param>
/// <param name="Call">The call; null where the piece is text.</param>
public readonly record struct ToolCallPart(string Text, ToolCall? Call);
