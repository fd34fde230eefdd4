namespace Deepseek.Inference.Tokenization.Templates;

/// <summary>A part of a template that is carried out in order.</summary>
/// <param name="Line">Where it begins.</param>
internal abstract record Statement(int Line);

internal sealed record TextStatement(int Line, string Text) : Statement(Line);

internal sealed record OutputStatement(int Line, Expression Value) : Statement(Line);

/// <summary>The first branch whose condition holds; <c>else</c> is a branch without one.</summary>
internal sealed record IfStatement(int Line, IReadOnlyList<IfBranch> Branches) : Statement(Line);

internal sealed record IfBranch(Expression? Condition, IReadOnlyList<Statement> Body);

/// <param name="Line">Where it begins.</param>
/// <param name="Target">What receives an item.</param>
/// <param name="Items">What is walked over.</param>
/// <param name="Condition">Which items count; null for all.</param>
/// <param name="Body">Carried out for each item, in a scope of its own.</param>
/// <param name="Otherwise">Carried out where no pass came to the end of the body.</param>
internal sealed record ForStatement(
    int Line, AssignmentTarget Target, Expression Items, Expression? Condition, IReadOnlyList<Statement> Body, IReadOnlyList<Statement> Otherwise) : Statement(Line);

internal sealed record SetStatement(int Line, AssignmentTarget Target, Expression Value) : Statement(Line);

/// <summary><c>{% set x %}…{% endset %}</c>.</summary>
internal sealed record SetBlockStatement(int Line, AssignmentTarget Target, IReadOnlyList<Statement> Body) : Statement(Line);

internal sealed record MacroStatement(int Line, string Name, IReadOnlyList<MacroParameter> Parameters, IReadOnlyList<Statement> Body) : Statement(Line);

internal sealed record MacroParameter(string Name, Expression? Default);

/// <summary>A body in a scope of its own: <c>{% generation %}</c>, by which trainers mark the assistant's words.</summary>
internal sealed record ScopedStatement(int Line, IReadOnlyList<Statement> Body) : Statement(Line);

internal sealed record BreakStatement(int Line) : Statement(Line);

internal sealed record ContinueStatement(int Line) : Statement(Line);

/// <summary>What an assignment writes to.</summary>
internal abstract record AssignmentTarget;

internal sealed record NameTarget(string Name) : AssignmentTarget;

/// <summary><c>ns.name</c> of a namespace.</summary>
internal sealed record AttributeTarget(string Namespace, string Name) : AssignmentTarget;

internal sealed record TupleTarget(IReadOnlyList<AssignmentTarget> Items) : AssignmentTarget;
