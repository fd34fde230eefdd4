namespace Deepseek.Inference.Tokenization.Templates;

internal enum TokenKind
{
    /// <summary>Text between tags, after whitespace control.</summary>
    Data,
    VariableBegin,
    VariableEnd,
    BlockBegin,
    BlockEnd,
    Name,
    Text,
    Integer,
    Float,
    Operator,
    End,
}

/// <summary>One token of a template.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Value">Its text; of a string literal the decoded value.</param>
/// <param name="Line">Where it begins, from 1.</param>
internal readonly record struct Token(TokenKind Kind, string Value, int Line)
{
    public bool IsOperator(string value) => Kind == TokenKind.Operator && Value == value;

    public bool IsName(string value) => Kind == TokenKind.Name && Value == value;

    /// <summary>How an error names the token.</summary>
    public string Description => Kind switch
    {
        TokenKind.Data => "text outside of tags",
        TokenKind.VariableBegin => "'{{'",
        TokenKind.VariableEnd => "'}}'",
        TokenKind.BlockBegin => "'{%'",
        TokenKind.BlockEnd => "'%}'",
        TokenKind.Text => "a string",
        TokenKind.End => "the end of the template",
        _ => $"'{Value}'",
    };
}
