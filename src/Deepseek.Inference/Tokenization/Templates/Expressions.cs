namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>Something that has a value.</summary>
/// <param name="Line">Where it begins.</param>
internal abstract record Expression(int Line);

internal sealed record Literal(int Line, object Value) : Expression(Line);

internal sealed record NameExpression(int Line, string Name) : Expression(Line);

internal sealed record SequenceLiteral(int Line, IReadOnlyList<Expression> Items, SequenceKind Kind) : Expression(Line);

internal sealed record MapLiteral(int Line, IReadOnlyList<KeyValuePair<Expression, Expression>> Entries) : Expression(Line);

internal sealed record AttributeExpression(int Line, Expression Target, string Name) : Expression(Line);

internal sealed record ItemExpression(int Line, Expression Target, Expression Key) : Expression(Line);

internal sealed record SliceExpression(int Line, Expression Target, Expression? Start, Expression? Stop, Expression? Step) : Expression(Line);

internal sealed record CallExpression(int Line, Expression Target, CallArguments Arguments) : Expression(Line);

internal sealed record FilterExpression(int Line, Expression Target, string Name, CallArguments Arguments) : Expression(Line);

internal sealed record TestExpression(int Line, Expression Target, string Name, CallArguments Arguments) : Expression(Line);

internal sealed record NotExpression(int Line, Expression Operand) : Expression(Line);

internal sealed record SignExpression(int Line, Expression Operand, bool Negative) : Expression(Line);

/// <summary><c>and</c>, <c>or</c>: the value is that of the operand that decided.</summary>
internal sealed record LogicalExpression(int Line, Expression Left, Expression Right, bool IsAnd) : Expression(Line);

internal sealed record BinaryExpression(int Line, string Symbol, Expression Left, Expression Right) : Expression(Line);

/// <summary><c>a &lt; b &lt; c</c> holds where every neighbouring pair does.</summary>
internal sealed record ComparisonExpression(int Line, Expression First, IReadOnlyList<KeyValuePair<string, Expression>> Others) : Expression(Line);

/// <summary><c>then if condition else otherwise</c>; without an else the value is undefined.</summary>
internal sealed record ConditionalExpression(int Line, Expression Condition, Expression Then, Expression? Otherwise) : Expression(Line);

internal sealed record CallArguments(IReadOnlyList<Expression> Positional, IReadOnlyList<KeyValuePair<string, Expression>> Named)
{
    public static readonly CallArguments None = new([], []);
}
