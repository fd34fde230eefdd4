namespace Deepseek.Inference.Tokenization;

/// <summary>A model's wish to have a function run.</summary>
/// <param name="Name">The function.</param>
/// <param name="Arguments">Its arguments, the text of a JSON object. A model may write any; check them before they are used.</param>
public sealed record ToolCall(string Name, string Arguments);
